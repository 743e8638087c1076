"""Contents and protection that stop AWS from deleting a resource: images, objects, records, backups."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from ops.errors import OpsError
from ops.output import say
from ops.waiting import Wait

BATCH = 100
"""Images that ECR deletes in one call."""
START_SECONDS = 1800.0
"""RDS starts an instance in some minutes."""
POLL_SECONDS = 15.0
GLOBAL = "us-east-1"
"""Where services without a region are asked; a shell need not name one."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a state."""

    address: str
    kind: str
    values: Mapping[str, Any]

    @property
    def region(self) -> str:
        """The region of its ARN."""
        return str(self.values["arn"]).split(":")[3]

    @property
    def module(self) -> str:
        """The address of its module, with a trailing dot."""
        return self.address[: self.address.rindex(f"{self.kind}.")]


def locked(resources: list[Resource]) -> dict[str, str]:
    """Return modules that remain, with the names of their resources: buckets with locked objects, and their keys."""
    buckets = [each for each in resources if each.kind == "aws_s3_bucket" and each.values.get("object_lock_enabled")]
    kept = {bucket.module.removesuffix("."): f"bucket {bucket.values['bucket']}" for bucket in buckets}
    for each in resources:
        if each.kind == "aws_s3_bucket_server_side_encryption_configuration" and each.module.removesuffix(".") in kept:
            arn = each.values["rule"][0]["apply_server_side_encryption_by_default"][0]["kms_master_key_id"]
            keys = [key for key in resources if key.kind == "aws_kms_key" and key.values["arn"] == arn]
            kept |= {key.module.removesuffix("."): f"key {arn}" for key in keys}
    return kept


def _unprotect(database: Resource, _: bool) -> None:
    """Turn off the protection of a running instance: RDS neither changes nor snapshots a stopped one."""
    rds = boto3.client("rds", region_name=database.region)
    name = database.values["identifier"]
    if _status(rds, name) in ("", "deleting"):
        # A run before this one came so far.
        return
    final = database.values.get("final_snapshot_identifier")
    if final and _snapshot_exists(rds, final):
        raise OpsError(f"stopped: a snapshot {final} is there from before; copy or delete it first")
    # RDS applies this at once. ApplyImmediately would also apply all other pending changes.
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)


def _status(rds: Any, name: str, seconds: float = START_SECONDS) -> str:
    """Return the status of an instance, or empty text if it is deleted. Start it if it is stopped. Raises OpsError."""
    waiting = Wait(f"{name} to start", seconds)
    while not waiting.is_over:
        try:
            (instance,) = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        except rds.exceptions.DBInstanceNotFoundFault:
            return ""
        status = str(instance["DBInstanceStatus"])
        if status == "stopped":
            say(f"{name} is stopped: it is started, for its final snapshot")
            rds.start_db_instance(DBInstanceIdentifier=name)
        elif status not in ("starting", "stopping"):
            return status
        waiting.pause(POLL_SECONDS)
    raise OpsError(f"{name} did not start within {seconds / 60:.0f} minutes: run this again")


def _snapshot_exists(rds: Any, name: str) -> bool:
    try:
        return bool(rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"])
    except rds.exceptions.DBSnapshotNotFoundFault:
        return False


def _drop_images(registry: Resource, _: bool) -> None:
    """Delete every image. The images of an index can be deleted only after it, in a later pass.

    ECR reports what it refuses in `failures` and raises nothing. Raises OpsError when a pass deletes nothing.
    """
    ecr = boto3.client("ecr", region_name=registry.region)
    name = registry.values["name"]
    while images := _images(ecr, name):
        failures: list[dict[str, Any]] = []
        for start in range(0, len(images), BATCH):
            done = ecr.batch_delete_image(repositoryName=name, imageIds=images[start : start + BATCH])
            failures += done.get("failures", [])
        if len(failures) >= len(images):
            raise OpsError(f"stopped: {name} keeps its images: {failures[0].get('failureReason')}")


def _images(ecr: Any, name: str) -> list[dict[str, str]]:
    """Digests of all images of a repository, tagged or not."""
    pages = ecr.get_paginator("list_images").paginate(repositoryName=name)
    digests = {image["imageDigest"] for page in pages for image in page["imageIds"]}
    return [{"imageDigest": digest} for digest in sorted(digests)]


def _drop_objects(bucket: Resource, _: bool) -> None:
    region = bucket.values.get("region") or GLOBAL
    s3 = boto3.resource("s3", region_name=region)
    try:
        s3.Bucket(bucket.values["bucket"]).object_versions.delete()
    except s3.meta.client.exceptions.NoSuchBucket:
        # A run before this one came so far.
        return


def _drop_records(zone: Resource, _: bool) -> None:
    """Return the records of the controller, without those that the zone itself or Terraform deletes."""
    dns = boto3.client("route53", region_name=GLOBAL)
    for page in dns.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone.values["zone_id"]):
        changes = [
            {"Action": "DELETE", "ResourceRecordSet": record}
            for record in page["ResourceRecordSets"]
            if record["Name"].rstrip(".") != zone.values["name"] or record["Type"] not in {"NS", "SOA"}
        ]
        if changes:
            dns.change_resource_record_sets(HostedZoneId=zone.values["zone_id"], ChangeBatch={"Changes": changes})


def _drop_backups(vault: Resource, wanted: bool) -> None:
    backup = boto3.client("backup", region_name=vault.region)
    name = vault.values["name"]
    points = backup.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]
    if points and not wanted:
        raise OpsError(f"stopped: vault {name} holds backups; --delete-backups deletes them too")
    for point in points:
        backup.delete_recovery_point(BackupVaultName=name, RecoveryPointArn=point["RecoveryPointArn"])


HELD: dict[str, Callable[[Resource, bool], None]] = {
    "aws_backup_vault": _drop_backups,
    "aws_db_instance": _unprotect,
    "aws_ecr_repository": _drop_images,
    "aws_route53_zone": _drop_records,
    "aws_s3_bucket": _drop_objects,
}
"""How to empty each kind that AWS does not delete while it holds something, those that may refuse first. The flag is
whether backups go too."""
