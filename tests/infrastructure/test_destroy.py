"""`ops destroy`, beside what test_apply shows of it: what it refuses, and what it leaves because it is locked."""

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness import Renderer
from tests.infrastructure import teardown
from tests.infrastructure.emulator import Emulator

REGION = "ap-southeast-1"


@pytest.fixture
def load(render: Renderer, aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Modules of the rendered project, on the emulated AWS."""
    project = render({"service": "felled", "platform_name": "felled"})
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    # A developer's shell may set no region, and boto3 reads another variable than Terraform does.
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
        contents.Resource("module.kms_key.aws_kms_key.this", "aws_kms_key", {"arn": "arn:other"}),
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


class Registry:
    """ECR by its rules: an index holds its children, a call takes 100 images, and refusals are told in `failures`.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
    """

    def __init__(self, children: dict[str, list[str]], *, locked: bool = False) -> None:
        self.children, self.locked, self.calls = children, locked, 0

    def get_paginator(self, _: str) -> "Registry":
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"imageIds": [{"imageDigest": digest, "imageTag": "x"} for digest in self.children]}]

    def batch_delete_image(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:  # noqa: ARG002, N803  AWS's
        assert len(imageIds) <= 100
        self.calls += 1
        held = {child for children in self.children.values() for child in children}
        failures = []
        for image in imageIds:
            digest = image["imageDigest"]
            if digest in held or self.locked:
                failures.append({"imageId": image, "failureCode": "ImageReferencedByManifestList", "failureReason": "in an index"})
            else:
                del self.children[digest]
        return {"imageIds": [], "failures": failures}


def registry_of(contents: Any) -> Any:
    values = {"name": "felled/dev/api", "arn": f"arn:aws:ecr:{REGION}:1:repository/felled/dev/api"}
    return contents.Resource("module.registry.aws_ecr_repository.this", "aws_ecr_repository", values)


def test_an_index_goes_before_its_children(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    contents = load("ops.destroy.contents")
    images = {f"{number:03}-index": [f"{number:03}-amd64", f"{number:03}-attestation"] for number in range(60)}
    registry = Registry(images | {child: [] for children in images.values() for child in children})
    monkeypatch.setattr(contents.boto3, "client", lambda *_, **__: registry)
    contents.HELD["aws_ecr_repository"](registry_of(contents), False)
    assert registry.children == {}


def test_images_that_ecr_keeps_stop_it(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    contents = load("ops.destroy.contents")
    registry = Registry({"a": []}, locked=True)
    monkeypatch.setattr(contents.boto3, "client", lambda *_, **__: registry)
    with pytest.raises(contents.OpsError, match="felled/dev/api keeps its images: in an index"):
        contents.HELD["aws_ecr_repository"](registry_of(contents), False)
    assert registry.calls == 1


class Ingress:
    """A namespace with an Ingress whose controller runs on a node, if there is one."""

    def __init__(self, *, node: bool) -> None:
        self.node, self.there, self.finalizer = node, True, True

    def get(self, *_: str) -> dict[str, Any] | None:
        return {"metadata": {"annotations": {"alb.ingress.kubernetes.io/group.name": "hall"}}} if self.there else None

    def items(self, kind: str) -> list[dict[str, Any]]:
        assert kind == "nodes"
        ready = {"type": "Ready", "status": "True" if self.node else "Unknown"}
        return [{"status": {"conditions": [ready]}}]

    def patch(self, *_: object) -> None:
        self.finalizer = False

    def delete(self, *_: str, seconds: int) -> None:
        assert seconds
        assert self.node or not self.finalizer, "it would never return"
        self.there = False


@pytest.fixture
def hall(aws: Emulator) -> Iterator[Any]:
    """The load balancers of a cluster: one of the Ingress's group, with a target group in it, and another one."""
    elb = aws.client("elbv2", REGION)
    subnets = aws.client("ec2", REGION).describe_subnets()["Subnets"][:2]
    made = {"Subnets": [subnet["SubnetId"] for subnet in subnets]}
    elb.create_load_balancer(Name="k8s-hall", Tags=tags(stack="hall", resource="LoadBalancer"), **made)
    elb.create_load_balancer(Name="k8s-other", Tags=tags(stack="felled/other", resource="LoadBalancer"), **made)
    group = {"Protocol": "HTTP", "Port": 80, "VpcId": subnets[0]["VpcId"]}
    elb.create_target_group(Name="felled", Tags=tags(stack="hall", resource="felled/api-api:http"), **group)
    yield SimpleNamespace(elb=elb, group=group)
    for each in balancers(elb).values():
        elb.delete_load_balancer(LoadBalancerArn=each)
    for each in groups(elb).values():
        elb.delete_target_group(TargetGroupArn=each)


def tags(*, stack: str, resource: str) -> list[dict[str, str]]:
    """As the controller writes them at v3.5.0, pkg/deploy/tracking/provider.go: the stack of an Ingress in a group is the group's name."""
    written = {"elbv2.k8s.aws/cluster": "felled-dev", "ingress.k8s.aws/stack": stack, "ingress.k8s.aws/resource": resource}
    return [{"Key": key, "Value": value} for key, value in written.items()]


def balancers(elb: Any) -> dict[str, str]:
    return {each["LoadBalancerName"]: each["LoadBalancerArn"] for each in elb.describe_load_balancers()["LoadBalancers"]}


def groups(elb: Any) -> dict[str, str]:
    return {each["TargetGroupName"]: each["TargetGroupArn"] for each in elb.describe_target_groups()["TargetGroups"]}


@pytest.fixture
def remove(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Callable[[Ingress], None]:
    """Remove an Ingress of the namespace `felled`."""
    ingress = load("ops.destroy.ingress")
    contract = SimpleNamespace(region=REGION, cluster_name="felled-dev", namespace="felled")
    monkeypatch.setattr(ingress, "_contract", lambda *_: contract)
    monkeypatch.setattr(ingress, "_exists", lambda _: True)
    monkeypatch.setattr(ingress, "write_kubeconfig", lambda *_: None)

    def run(namespace: Ingress) -> None:
        monkeypatch.setattr(ingress, "Cluster", lambda *_: namespace)
        ingress.remove_ingress(Path(), "felled", "dev", REGION)

    return run


@pytest.mark.parametrize("node", [True, False])
def test_an_ingress_goes_with_and_without_nodes(
    node: bool,  # noqa: FBT001  a parameter
    hall: Any,
    remove: Callable[[Ingress], None],
) -> None:
    namespace = Ingress(node=node)
    remove(namespace)
    assert not namespace.there
    # With a node, the controller would have deleted it. There is no node, so it still exists.
    assert ("k8s-hall" in balancers(hall.elb)) is node
    assert "k8s-other" in balancers(hall.elb)
    assert ("felled" in groups(hall.elb)) is node


def test_a_load_balancer_that_others_use_stays_theirs(hall: Any, remove: Callable[[Ingress], None]) -> None:
    hall.elb.create_target_group(Name="orders", Tags=tags(stack="hall", resource="orders/api-api:http"), **hall.group)
    namespace = Ingress(node=False)
    with pytest.raises(Exception, match="the load balancer serves orders/api-api:http, too"):
        remove(namespace)
    assert namespace.there
    assert {"k8s-hall", "k8s-other"} <= balancers(hall.elb).keys()
    assert {"felled", "orders"} <= groups(hall.elb).keys()


def test_the_stand_in_of_the_slow_test_lets_the_ingress_be_deleted(
    aws: Emulator, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A kubectl that answers nothing to `get` makes destroy take an absent Ingress for done, and test_apply shows nothing."""
    ingress, elb = load("ops.destroy.ingress"), aws.client("elbv2", REGION)
    contract = SimpleNamespace(region=REGION, cluster_name="stood-dev", namespace="stood")
    monkeypatch.setattr(ingress, "_contract", lambda *_: contract)
    monkeypatch.setattr(ingress, "_exists", lambda _: True)
    monkeypatch.setattr(ingress, "write_kubeconfig", lambda *_: tmp_path / "kubeconfig")
    log = teardown.stand_in(tmp_path, "stood")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    subnets = [subnet["SubnetId"] for subnet in aws.client("ec2", REGION).describe_subnets()["Subnets"][:2]]
    elb.create_load_balancer(Name=teardown.balancer("stood"), Subnets=subnets)
    ingress.remove_ingress(Path(), "stood", "dev", REGION)
    assert log.read_text(encoding="utf-8").splitlines() == teardown.ingress_goes("stood")
    names = [each["LoadBalancerName"] for each in elb.describe_load_balancers()["LoadBalancers"]]
    assert teardown.balancer("stood") not in names


def test_an_ingress_is_not_looked_for_once_the_contract_is_gone(aws: Emulator, load: Callable[[str], Any]) -> None:
    """A run that breaks off has destroyed the contract perhaps, and the next one goes on."""
    ingress = load("ops.destroy.ingress")
    ingress.remove_ingress(Path(), "felled", "nowhere", REGION)
    parameters = aws.client("ssm", REGION)
    assert "/service/felled/nowhere/contract" not in [each["Name"] for each in parameters.describe_parameters()["Parameters"]]


def test_a_database_that_off_hours_stopped_is_started_first(
    aws: Emulator, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents, rds = load("ops.destroy.contents"), aws.client("rds", REGION)
    monkeypatch.setattr(contents, "POLL_SECONDS", 0.01)
    settings = {"Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20, "DeletionProtection": True}
    login = {"MasterUsername": "m", "MasterUserPassword": "p" * 12}
    made = rds.create_db_instance(DBInstanceIdentifier="asleep", **settings, **login)["DBInstance"]
    rds.stop_db_instance(DBInstanceIdentifier="asleep")
    values = {"identifier": "asleep", "arn": made["DBInstanceArn"], "final_snapshot_identifier": "asleep-final"}
    database = contents.Resource("module.database.aws_db_instance.this", "aws_db_instance", values)
    contents.HELD["aws_db_instance"](database, False)
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier="asleep")["DBInstances"]
    assert (instance["DBInstanceStatus"], instance["DeletionProtection"]) == ("available", False)
    rds.delete_db_instance(DBInstanceIdentifier="asleep", SkipFinalSnapshot=True)
    # An interrupted run can be repeated.
    contents.HELD["aws_db_instance"](database, False)


def root_that_creates(folder: Path, *names: str) -> SimpleNamespace:
    """A root of a service whose every plan creates these secrets."""
    changes = [{"type": "aws_secretsmanager_secret", "change": {"actions": ["create"], "after": {"name": name}}} for name in names]
    document = json.dumps({"resource_changes": changes})
    return SimpleNamespace(
        root="service",
        environment="dev",
        project=Path(),
        folder=folder,
        plan=lambda name: (folder / name).touch(),
        read=lambda *_: document,
    )


def test_a_saved_plan_is_not_applied_over_deleted_secrets(
    aws: Emulator, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A pipeline cannot ask whether secrets may be deleted for good: it stops before Terraform, and names the command that asks.

    A deleted secret that the plan does not create, as after an option was switched off, stops nothing.
    """
    secrets, client = load("ops.secrets"), aws.client("secretsmanager", REGION)
    monkeypatch.setattr(secrets.project, "facts", lambda _: {"SERVICE": "planned", "AWS_REGION": REGION})
    (tmp_path / "saved.tfplan").touch()
    client.create_secret(Name="planned/dev/cache", SecretString="{}")
    secrets.require_free_names(root_that_creates(tmp_path, "planned/dev/cache"), "saved.tfplan")
    client.delete_secret(SecretId="planned/dev/cache", RecoveryWindowInDays=7)
    with pytest.raises(secrets.OpsError, match=r"^planned/dev/cache were deleted .*: uv run ops apply dev --root service$"):
        secrets.require_free_names(root_that_creates(tmp_path, "planned/dev/cache"), "saved.tfplan")
    secrets.require_free_names(root_that_creates(tmp_path, "planned/dev/session"), "saved.tfplan")
    # Without a saved plan, Terraform shows a plan and asks for confirmation.
    secrets.require_free_names(root_that_creates(tmp_path, "planned/dev/cache"), "-auto-approve")
    client.delete_secret(SecretId="planned/dev/cache", ForceDeleteWithoutRecovery=True)


def test_the_names_of_deleted_secrets_are_freed_before_a_second_creation(
    aws: Emulator, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html: the name is taken for 7 to 30 days."""
    secrets, client = load("ops.secrets"), aws.client("secretsmanager", REGION)
    for name in ("felled/dev/cache", "felled/dev/session", "felled/dev/option", "felled/production/cache"):
        client.create_secret(Name=name, SecretString="{}")
        if name != "felled/dev/session":
            client.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    root = root_that_creates(tmp_path, "felled/dev/cache", "felled/dev/session")
    with pytest.raises(secrets.OpsError, match=r"^felled/dev/cache were deleted and can be restored.*--yes agrees in advance"):
        secrets.free_secrets(root, yes=False)
    secrets.free_secrets(root, yes=True)
    # A deleted secret that no plan creates can still be restored.
    assert secrets.deleted("felled", "dev", REGION) == ["felled/dev/option"]
    assert list(tmp_path.iterdir()) == []
    assert secrets.deleted("felled", "production", REGION) == ["felled/production/cache"]
    client.create_secret(Name="felled/dev/cache", SecretString="{}")
    # A secret that is not marked for deletion is left unchanged.
    assert client.describe_secret(SecretId="felled/dev/session").get("DeletedDate") is None
    monkeypatch.setattr(secrets, "deleted", lambda *_: pytest.fail("bootstrap has no secrets"))
    secrets.free_secrets(SimpleNamespace(root="platform"), yes=False)


def test_bootstrap_that_is_gone_is_destroyed_again(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    environment = load("ops.destroy.environment")
    monkeypatch.setattr(environment, "resources_of", lambda _: [])
    monkeypatch.setattr(environment, "drop_local_state", lambda _: None)
    assert load("ops.cli").main(["destroy", "bootstrap", "--yes", "felled-bootstrap"]) == 0


def test_an_error_of_aws_is_one_line(
    load: Callable[[str], Any], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # noqa: PLC0415  botocore carries no types

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "DeleteBucket")

    monkeypatch.setattr(load("ops.commands.infrastructure"), "destroy_environment", refuse)
    assert load("ops.cli").main(["destroy", "dev", "--yes", "x"]) == 1
    assert capfd.readouterr().err == "AWS: An error occurred (AccessDenied) when calling the DeleteBucket operation: not authorized\n"
