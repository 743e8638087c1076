"""`ops destroy`, beside what test_apply shows of it: what it refuses, and what it leaves because it is locked."""

import importlib
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness import Renderer
from tests.infrastructure.emulator import Emulator

REGION = "ap-southeast-1"


@pytest.fixture
def load(render: Renderer, aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Modules of the rendered project, on the emulated AWS."""
    project = render({"service": "felled", "platform_name": "felled"})
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    # A person's shell may name no region; boto3 reads another variable than Terraform does.
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.syspath_prepend(str(project / "ops/src"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "ops"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.chdir(project)
    return importlib.import_module


def test_the_wrong_name_destroys_nothing(
    load: Callable[[str], Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    destroy = load("ops.destroy.environment")
    monkeypatch.setattr(destroy, "Root", SimpleNamespace(of=lambda *_: pytest.fail("it looked for a state")))
    assert load("ops.cli").main(["destroy", "production", "--yes", "production"]) == 1
    assert "nothing is destroyed: that is not felled-production" in capsys.readouterr().err


def test_locked_buckets_stay_with_their_keys(load: Callable[[str], Any]) -> None:
    contents = load("ops.destroy.contents")
    encryption = "aws_s3_bucket_server_side_encryption_configuration"
    rule = [{"apply_server_side_encryption_by_default": [{"kms_master_key_id": "arn:key"}]}]
    state = [
        contents.Resource("module.trail.aws_s3_bucket.this", "aws_s3_bucket", {"bucket": "locked", "object_lock_enabled": True}),
        contents.Resource(f"module.trail.{encryption}.this", encryption, {"rule": rule}),
        contents.Resource("module.trail_key.aws_kms_key.this", "aws_kms_key", {"arn": "arn:key"}),
        contents.Resource("module.logs.aws_s3_bucket.this", "aws_s3_bucket", {"bucket": "open", "object_lock_enabled": False}),
        contents.Resource("module.key.aws_kms_key.this", "aws_kms_key", {"arn": "arn:other"}),
    ]
    assert contents.locked(state) == {"module.trail": "bucket locked", "module.trail_key": "key arn:key"}


def test_a_snapshot_from_before_stops_it(aws: Emulator, load: Callable[[str], Any]) -> None:
    contents, rds = load("ops.destroy.contents"), aws.client("rds", REGION)
    settings = {"Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20, "DeletionProtection": True}
    login = {"MasterUsername": "m", "MasterUserPassword": "p" * 12}
    made = rds.create_db_instance(DBInstanceIdentifier="felled", **settings, **login)["DBInstance"]
    values = {"identifier": "felled", "arn": made["DBInstanceArn"], "final_snapshot_identifier": "felled-final"}
    database = contents.Resource("module.database.aws_db_instance.this", "aws_db_instance", values)
    contents.HELD["aws_db_instance"](database, False)
    assert not rds.describe_db_instances(DBInstanceIdentifier="felled")["DBInstances"][0]["DeletionProtection"]
    rds.create_db_snapshot(DBInstanceIdentifier="felled", DBSnapshotIdentifier="felled-final")
    with pytest.raises(contents.OpsError, match="felled-final is there from before"):
        contents.HELD["aws_db_instance"](database, False)


def test_a_load_balancer_that_stays_is_named(aws: Emulator, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ingress, elb = load("ops.destroy.ingress"), aws.client("elbv2", REGION)
    subnets = [subnet["SubnetId"] for subnet in aws.client("ec2", REGION).describe_subnets()["Subnets"]][:2]
    tags = [{"Key": "elbv2.k8s.aws/cluster", "Value": "felled-dev"}]
    (balancer,) = elb.create_load_balancer(Name="k8s-felled", Subnets=subnets, Tags=tags)["LoadBalancers"]
    monkeypatch.setattr(ingress, "WAIT_SECONDS", 0)
    monkeypatch.setattr(ingress, "PAUSE_SECONDS", 0.01)
    ingress.wait_for_load_balancers("another-dev", REGION)
    with pytest.raises(ingress.OpsError, match="k8s-felled still stand before felled-dev"):
        ingress.wait_for_load_balancers("felled-dev", REGION)
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    ingress.wait_for_load_balancers("felled-dev", REGION)


def test_the_bucket_of_states_stays_while_another_state_holds_something(aws: Emulator, load: Callable[[str], Any]) -> None:
    terraform, s3 = load("ops.destroy.states"), aws.client("s3", REGION)
    s3.create_bucket(Bucket="felled-states", CreateBucketConfiguration={"LocationConstraint": REGION})
    for key, resources in {"dev/platform.tfstate": "[]", "dev/service.tfstate": '[{"type": "x"}]', "bootstrap.tfstate": "[1]"}.items():
        s3.put_object(Bucket="felled-states", Key=key, Body=f'{{"resources": {resources}}}'.encode())
    assert terraform.other_states("felled-states", REGION) == ["dev/service.tfstate"]


def test_a_zone_and_a_bucket_are_emptied_wherever_they_are(aws: Emulator, load: Callable[[str], Any]) -> None:
    contents, dns, s3 = load("ops.destroy.contents"), aws.client("route53", REGION), aws.client("s3", REGION)
    zone = dns.create_hosted_zone(Name="felled.example.com", CallerReference="felled")["HostedZone"]["Id"].rsplit("/")[-1]
    record = {"Name": "felled.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "203.0.113.1"}]}
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]})
    values = {"zone_id": zone, "name": "felled.example.com"}
    contents.HELD["aws_route53_zone"](contents.Resource("module.domain.aws_route53_zone.this", "aws_route53_zone", values), False)
    assert {each["Type"] for each in dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]} == {"NS", "SOA"}
    s3.create_bucket(Bucket="felled-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="felled-logs", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3.put_object(Bucket="felled-logs", Key="a.log", Body=body)
    bucket = contents.Resource("module.logs.aws_s3_bucket.this", "aws_s3_bucket", {"bucket": "felled-logs", "region": REGION})
    contents.HELD["aws_s3_bucket"](bucket, False)
    assert "Versions" not in s3.list_object_versions(Bucket="felled-logs")
