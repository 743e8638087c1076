"""The drill of a lost zone: a row a second, a reboot with failover, and how long and how much was lost.

    DATABASE_URL=postgresql://migrations:…@host:5432/app uv run infra/drills/failover.py ENVIRONMENT --yes NAME

Runs where the database can be reached, which is inside its network. Fails when writes were refused for 5 minutes (RTO)
or when rows of a minute that were acknowledged are gone (RPO). docs/runbooks/failover.md says when and how.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3
from deploy import project
from deploy.failure import DeployError
from rows import ERRORS, Database

RTO_SECONDS = 300
RPO_SECONDS = 60
BEFORE_SECONDS = 10
"""Rows before the failover, so that some are at stake."""
AFTER_SECONDS = 60
"""Rows after it: RDS may take half a minute to begin."""
GIVE_UP_SECONDS = 1800


class Rows(Protocol):
    """Where the drill writes."""

    def prepare(self) -> None: ...
    def write(self, number: int) -> None: ...
    def numbers(self) -> set[int]: ...
    def clear(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the drill sees it (seconds)."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a failover cost: seconds without a write, and acknowledged rows, one a second, that are gone."""

    rto: float
    lost: int

    @property
    def held(self) -> bool:
        """Whether both promises held."""
        return self.rto < RTO_SECONDS and self.lost < RPO_SECONDS


def measure(rows: Rows, fail_over: Callable[[], None], clock: Clock | None = None) -> Outcome:
    """Write a row a second around a failover. Raises DeployError when it does not come back."""
    clock = clock or Clock()
    rows.prepare()
    acknowledged: set[int] = set()
    start, outage, since_failure, number = clock.now(), 0.0, None, 0
    failed_over_at: float | None = None
    while failed_over_at is None or since_failure is not None or clock.now() - failed_over_at < outage + AFTER_SECONDS:
        if failed_over_at is None and clock.now() - start >= BEFORE_SECONDS:
            fail_over()
            failed_over_at = clock.now()
        number += 1
        try:
            rows.write(number)
            acknowledged.add(number)
            if since_failure is not None:
                outage, since_failure = outage + clock.now() - since_failure, None
        except ERRORS:
            since_failure = since_failure if since_failure is not None else clock.now()
            if clock.now() - since_failure > GIVE_UP_SECONDS:
                raise DeployError(f"the database has not answered for {GIVE_UP_SECONDS} seconds") from None
        clock.sleep(1)
    lost = len(acknowledged - rows.numbers())
    rows.clear()
    return Outcome(outage, lost)


def reboot(rds: Any, name: str) -> None:
    """Let the standby take over. Raises DeployError where there is none."""
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    if not instance["MultiAZ"]:
        raise DeployError(f"{name} has no standby (db_multi_az): there is nothing to fail over to")
    rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; the exit status is 0 when both promises held."""
    parser = argparse.ArgumentParser(prog="failover", description="Measure a failover of the database.")
    parser.add_argument("environment", help="dev, staging or production")
    parser.add_argument("--yes", metavar="NAME", required=True, help="the database whose users will notice")
    options = parser.parse_args(arguments)
    try:
        facts = project.facts(project.find(Path.cwd()))
        name = f"{facts['SERVICE']}-{options.environment}"
        if options.yes != name:
            raise DeployError(f"nothing is done: --yes names {options.yes}, and the database is {name}")
        if not os.environ.get("DATABASE_URL"):
            raise DeployError("DATABASE_URL is empty: give the URL of the role `migrations`")
        rds = boto3.client("rds", region_name=facts["AWS_REGION"])
        outcome = measure(Database(os.environ["DATABASE_URL"]), lambda: reboot(rds, name))
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"RTO {outcome.rto:.0f} s (promised: under {RTO_SECONDS})\n")
    sys.stdout.write(f"RPO {outcome.lost} s (promised: under {RPO_SECONDS})\n")
    return 0 if outcome.held else 1


if __name__ == "__main__":
    sys.exit(main())
