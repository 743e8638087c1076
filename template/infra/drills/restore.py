"""The drill of a lost database: point-in-time recovery into a new instance, counts compared, minutes printed.

    DATABASE_URL=postgresql://migrations:…@host:5432/app uv run infra/drills/restore.py ENVIRONMENT [--at TIME] [--keep]

Runs where the database can be reached, which is inside its network. The new instance stands beside the old one, costs
what that costs, and is deleted at the end unless it is to be kept. docs/runbooks/restore.md says when and how.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from deploy import project
from deploy.failure import DeployError
from rows import Database

POLL_SECONDS = 30
GIVE_UP_SECONDS = 4 * 3600
TOLERANCE = 0.02
"""Share of a table's rows that the last minutes may have brought: they are younger than the latest restorable time."""


def restore(rds: Any, source: str, target: str, at: datetime | None) -> None:
    """Order the new instance, with the old one's place, groups and keys. Raises DeployError."""
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier=source)["DBInstances"]
    when = {"RestoreTime": at} if at else {"UseLatestRestorableTime": True}
    try:
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=source,
            TargetDBInstanceIdentifier=target,
            DBInstanceClass=instance["DBInstanceClass"],
            DBSubnetGroupName=instance["DBSubnetGroup"]["DBSubnetGroupName"],
            DBParameterGroupName=instance["DBParameterGroups"][0]["DBParameterGroupName"],
            VpcSecurityGroupIds=[group["VpcSecurityGroupId"] for group in instance["VpcSecurityGroups"]],
            PubliclyAccessible=False,
            MultiAZ=False,
            DeletionProtection=False,
            CopyTagsToSnapshot=True,
            **when,
        )
    except ClientError as error:
        raise DeployError(f"RDS does not restore {source}: {error}") from None


def wait(rds: Any, target: str, sleep: Callable[[float], None] = time.sleep) -> str:
    """Wait until the instance can be used; its host. Raises DeployError after four hours."""
    for _ in range(GIVE_UP_SECONDS // POLL_SECONDS):
        (instance,) = rds.describe_db_instances(DBInstanceIdentifier=target)["DBInstances"]
        if instance["DBInstanceStatus"] == "available":
            return str(instance["Endpoint"]["Address"])
        sleep(POLL_SECONDS)
    raise DeployError(f"{target} is not available after {GIVE_UP_SECONDS // 3600} hours")


def differences(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Tables that the restored database lacks, or that hold too few rows there."""
    return [
        f"{table}: {after.get(table, 'no table')} of {count} rows"
        for table, count in before.items()
        if table not in after or count - after[table] > max(1, count * TOLERANCE)
    ]


def drop(rds: Any, target: str) -> None:
    """Delete what the drill made."""
    rds.delete_db_instance(DBInstanceIdentifier=target, SkipFinalSnapshot=True, DeleteAutomatedBackups=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; the exit status is 0 when every table came back."""
    parser = argparse.ArgumentParser(prog="restore", description="Restore the database into a new instance.")
    parser.add_argument("environment", help="dev, staging or production")
    parser.add_argument(
        "--at", type=datetime.fromisoformat, help="such as 2026-11-22T10:00:00+00:00; the latest without"
    )
    parser.add_argument("--keep", action="store_true", help="leave the new instance")
    options = parser.parse_args(arguments)
    try:
        facts = project.facts(project.find(Path.cwd()))
        if not os.environ.get("DATABASE_URL"):
            raise DeployError("DATABASE_URL is empty: give the URL of the role `migrations`")
        rds = boto3.client("rds", region_name=facts["AWS_REGION"])
        return drill(rds, Database(os.environ["DATABASE_URL"]), f"{facts['SERVICE']}-{options.environment}", options)
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def drill(rds: Any, database: Database, source: str, options: argparse.Namespace) -> int:
    """Restore, compare and clean up; 0 when every table came back."""
    before = database.counts()
    if not before:
        raise DeployError(f"{source} has no tables: there is nothing to compare")
    target = f"{source}-restore-{datetime.now(UTC):%Y%m%d%H%M}"
    start = time.monotonic()
    restore(rds, source, target, options.at)
    try:
        host = wait(rds, target)
        minutes = (time.monotonic() - start) / 60
        missing = differences(before, database.elsewhere(host).counts())
    finally:
        if not options.keep:
            drop(rds, target)
    sys.stdout.write(f"{target} was there after {minutes:.0f} minutes, with {len(before)} tables to compare.\n")
    sys.stdout.writelines(f"{line}\n" for line in missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
