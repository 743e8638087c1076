"""The restore drill: restore into a new instance, compare the row counts, and print the duration."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from ops import clock
from ops.drills.rows import Database
from ops.errors import OpsError
from ops.output import say
from ops.waiting import Wait

POLL_SECONDS = 30
GIVE_UP_SECONDS = 4 * 3600
TOLERANCE = 0.02
"""Share of a table's rows that the last minutes may have brought: they are younger than the latest restorable time."""


def restore(rds: Any, source: str, target: str, at: datetime | None) -> None:
    """Create the new instance with the network, groups and keys of the old one. Raises OpsError."""
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
        raise OpsError(f"RDS does not restore {source}: {error}") from None


def wait(rds: Any, target: str) -> str:
    """Wait until the instance is available, and return its host. Raises OpsError after four hours."""
    waiting = Wait(f"{target} to become available", GIVE_UP_SECONDS)
    while not waiting.is_over:
        (instance,) = rds.describe_db_instances(DBInstanceIdentifier=target)["DBInstances"]
        if instance["DBInstanceStatus"] == "available":
            return str(instance["Endpoint"]["Address"])
        waiting.pause(POLL_SECONDS)
    raise OpsError(f"{target} is not available after {GIVE_UP_SECONDS // 3600} hours")


def differences(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Return tables that are missing from the restored database or have too few rows."""
    return [
        f"{table}: {after.get(table, 'no table')} of {count} rows"
        for table, count in before.items()
        if table not in after or count - after[table] > max(1, count * TOLERANCE)
    ]


def drop(rds: Any, target: str) -> None:
    """Delete what the drill made."""
    rds.delete_db_instance(DBInstanceIdentifier=target, SkipFinalSnapshot=True, DeleteAutomatedBackups=True)


def run(facts: Mapping[str, str], environment: str, url: str, at: datetime | None, *, keep: bool) -> int:
    """Run the drill on an environment's database; 0 when every table is complete. Raises OpsError."""
    rds = boto3.client("rds", region_name=facts["AWS_REGION"])
    return drill(rds, Database(url), f"{facts['SERVICE']}-{environment}", at, keep=keep)


def drill(rds: Any, database: Database, source: str, at: datetime | None, *, keep: bool) -> int:
    """Restore, compare and clean up; 0 when every table was restored."""
    before = database.counts()
    if not before:
        raise OpsError(f"{source} has no tables: there is nothing to compare")
    target = f"{source}-restore-{clock.now():%Y%m%d%H%M}"
    start = clock.now()
    restore(rds, source, target, at)
    try:
        host = wait(rds, target)
        minutes = (clock.now() - start).total_seconds() / 60
        missing = differences(before, database.elsewhere(host).counts())
    finally:
        if not keep:
            drop(rds, target)
    say(f"{target} was there after {minutes:.0f} minutes, with {len(before)} tables to compare.")
    for line in missing:
        say(line)
    return 1 if missing else 0
