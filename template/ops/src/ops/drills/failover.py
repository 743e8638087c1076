"""The failover drill: write one row a second, reboot with failover, and measure downtime and lost rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import boto3

from ops.clock import now, sleep
from ops.drills.rows import ERRORS, Database
from ops.errors import OpsError
from ops.output import note, say

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


def _seconds() -> float:
    return now().timestamp()


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the drill sees it (seconds)."""

    now: Callable[[], float] = _seconds
    sleep: Callable[[float], None] = sleep


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a failover: seconds without a successful write, and lost acknowledged rows (one a second)."""

    rto: float
    lost: int

    @property
    def held(self) -> bool:
        """Whether both promises held."""
        return self.rto < RTO_SECONDS and self.lost < RPO_SECONDS


def measure(rows: Rows, fail_over: Callable[[], None], clock: Clock | None = None) -> Outcome:
    """Write one row a second during a failover. Raises OpsError if the database does not recover."""
    clock = clock or Clock()
    rows.prepare()
    acknowledged: set[int] = set()
    start, outage, since_failure, number = clock.now(), 0.0, None, 0
    failed_over_at: float | None = None
    while failed_over_at is None or since_failure is not None or clock.now() - failed_over_at < outage + AFTER_SECONDS:
        if failed_over_at is None and clock.now() - start >= BEFORE_SECONDS:
            fail_over()
            failed_over_at = clock.now()
            note(f"failover requested; rows are written for at least {AFTER_SECONDS} s more")
        number += 1
        try:
            rows.write(number)
            acknowledged.add(number)
            if since_failure is not None:
                outage, since_failure = outage + clock.now() - since_failure, None
                note(f"the database answers again, after {outage:.0f} s in total")
        except ERRORS:
            if since_failure is None:
                since_failure = clock.now()
                note("the database does not answer")
            if clock.now() - since_failure > GIVE_UP_SECONDS:
                raise OpsError(f"the database has not answered for {GIVE_UP_SECONDS} seconds") from None
        clock.sleep(1)
    lost = len(acknowledged - rows.numbers())
    rows.clear()
    return Outcome(outage, lost)


def reboot(rds: Any, name: str) -> None:
    """Trigger a failover to the standby. Raises OpsError if there is none."""
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    if not instance["MultiAZ"]:
        raise OpsError(f"{name} has no standby (db_multi_az): there is nothing to fail over to")
    rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)


def run(facts: Mapping[str, str], environment: str, confirmation: str, url: str) -> Outcome:
    """Fail over the environment's database, and print RTO and RPO. Raises OpsError."""
    name = f"{facts['SERVICE']}-{environment}"
    if confirmation != name:
        raise OpsError(f"nothing is done: --yes names {confirmation}, and the database is {name}")
    rds = boto3.client("rds", region_name=facts["AWS_REGION"])
    outcome = measure(Database(url), lambda: reboot(rds, name))
    say(f"RTO {outcome.rto:.0f} s (promised: under {RTO_SECONDS})")
    say(f"RPO {outcome.lost} s (promised: under {RPO_SECONDS})")
    return outcome
