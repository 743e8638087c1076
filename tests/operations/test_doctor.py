"""`ops doctor` and `ops status`: nothing on a healthy environment, and one line for each fault that is planted in it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Renderer
from tests.infrastructure.cloud import alarms
from tests.operations.faults import FAULTS, READY, SERVICE, subscriptions
from tests.operations.test_up import finish
from tests.operations.world import ANSWERS, World, world_of

ADDED = (alarms,)
"""Imported for what it adds to moto."""


@pytest.fixture(scope="module")
def healthy(render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An environment after its first deployment, with nothing left to do."""
    with world_of(render, tmp_path_factory.mktemp("doctor"), ANSWERS) as world:
        finish(world)
        world.grant_mail()
        confirm("arn:aws:sns:ap-southeast-1:123456789012:shop-dev-alerts:1")
        pod = {"metadata": {"name": "api-1"}, "status": {"phase": "Running", **READY}}
        world.holds(**{"pods/--output=json": {"items": [pod]}})
        balance(world)
        yield world


@pytest.fixture
def world(healthy: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    from ops.doctor import domain  # noqa: PLC0415  of the rendered project

    # There is no DNS here.
    monkeypatch.setattr(domain, "resolve", lambda _: None)
    with healthy.restored():
        yield healthy


def confirm(arn: str) -> None:
    """Confirm the subscription, as the owner of the mailbox does."""
    for subscription in subscriptions():
        subscription.arn = arn


def balance(world: World) -> None:
    """A load balancer as the controller makes it, with one target."""
    elb, ec2 = world.aws("elbv2"), world.aws("ec2")
    subnets = ec2.describe_subnets()["Subnets"][:2]
    (balancer,) = elb.create_load_balancer(Name="k8s-shop", Subnets=[subnet["SubnetId"] for subnet in subnets])["LoadBalancers"]
    # As at v3.5.0, pkg/deploy/tracking/provider.go: of a group of Ingresses the stack is the group's name, and the resource a Service.
    written = {"elbv2.k8s.aws/cluster": "shop-dev", "ingress.k8s.aws/stack": "hall", "ingress.k8s.aws/resource": "shop/api-api:http"}
    tags = [{"Key": key, "Value": value} for key, value in written.items()]
    made = {"Protocol": "HTTP", "Port": 8000, "VpcId": subnets[0]["VpcId"], "TargetType": "ip"}
    # Other resources of the platform: AWS describes the tags of at most 20 at a time.
    for number in range(20):
        other = {"Key": "ingress.k8s.aws/resource", "Value": f"shop-{number}/api-api:http"}
        elb.create_target_group(Name=f"other-{number}", Tags=[*tags[:2], other], **made)
    (group,) = elb.create_target_group(Name="api", Tags=tags, **made)["TargetGroups"]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": "10.0.0.1", "Port": 8000}])


def test_a_healthy_environment_has_no_findings(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert world.ops("doctor", "dev") == 0
    assert capfd.readouterr().out == "nothing is wrong with dev\n"
    assert world.ops("doctor", "dev", "--json") == 0
    assert json.loads(capfd.readouterr().out) == []


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 25


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_one_line(fault: str, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    plant, words = FAULTS[fault]
    with plant(world):
        status = world.ops("doctor", "dev")
    (line,) = capfd.readouterr().out.splitlines()
    assert words in line
    assert status == (1 if line.startswith("error") else 0)
    guide = (world.project / "docs/first-deployment.md").read_text(encoding="utf-8")
    headings = {heading.strip("# ").lower().replace(" ", "-") for heading in guide.splitlines() if heading.startswith("#")}
    anchor = line.rpartition("#")[2].rstrip("]")
    assert anchor in headings, f"docs/first-deployment.md has no section {anchor}"


def test_the_same_in_json(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.edit(SERVICE, "alerts@example.com", "")
    assert world.ops("doctor", "dev", "--json") == 0
    (finding,) = json.loads(capfd.readouterr().out)
    assert finding["severity"] == "warning"
    assert set(finding) == {"severity", "check", "problem", "remedy", "docs"}


DEPLOYMENT = {
    "metadata": {"name": "api"},
    "spec": {"replicas": 3, "template": {"spec": {"containers": [{"image": "registry/api@sha256:1"}]}}},
    "status": {"readyReplicas": 2},
}


def test_status_shows_release_replicas_and_drift(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.holds(**{"deployments/--output=json": {"items": [DEPLOYMENT]}})
    assert world.ops("status", "dev") == 0
    text = capfd.readouterr().out
    assert text.startswith("dev  https://api.example.com\nrelease   ")
    assert "api       2 of 3 ready  sha256:1" in text
    assert "drift     none" in text
    assert "health    ok" in text
    world.holds(diff="-  cpu: 100m\n")
    assert world.ops("status", "dev", "--json") == 0
    found = json.loads(capfd.readouterr().out)
    assert found["drift"] == "-  cpu: 100m\n"
    assert found["release"]["state"] == "deployed"
    assert found["under_way"] is None


def test_status_shows_fields_that_a_person_wrote(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """No diff shows them: they are of another manager, so an apply would leave them without `ops.ownership`."""
    deployment = world.read("state.json")["deployment/api"]
    fields: dict[str, Any] = {
        "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"api"}': {"f:env": {'k:{"name":"DEBUG"}': {"f:value": {}}}}}}}}
    }
    entry = {"manager": "kubectl-set", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields}
    world.holds(
        deployment__api=deployment | {"metadata": deployment["metadata"] | {"managedFields": [entry]}},
        **{"deployments/--output=json": {"items": [DEPLOYMENT]}},
    )
    assert world.ops("status", "dev", "--json") == 0
    drift = json.loads(capfd.readouterr().out)["drift"]
    assert "Deployment/api: spec.template.spec.containers[name=api].env[name=DEBUG].value (kubectl-set)" in drift


def test_status_fails_while_something_is_broken(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    broken = {"metadata": {"name": "api-2"}, "status": {"phase": "Failed"}}
    world.holds(**{"deployments/--output=json": {"items": []}, "pods/--output=json": {"items": [broken]}})
    assert world.ops("status", "dev") == 1
    assert "pods: api-2 is not ready: Failed" in capfd.readouterr().out


DESCRIPTION = (
    "[business] Users see errors. Owner: shop (o@example.com). Runbook: https://github.com/a/b/blob/main/docs/runbooks/alarms/users.md"
)
SILENT = "[critical] No metric has arrived. Owner: shop (o@example.com). Runbook: https://github.com/a/b/blob/main/docs/runbooks/alarms/silent.md"


@pytest.fixture
def combined(world: World) -> Iterator[World]:
    """Return a world with a composite alarm that fires, and a heartbeat that has stopped."""
    cloudwatch = world.aws("cloudwatch")
    cloudwatch.put_composite_alarm(
        AlarmName="shop-dev-users", AlarmDescription=DESCRIPTION, AlarmRule='ALARM("shop-dev-database-cpu")', ActionsEnabled=False
    )
    cloudwatch.put_metric_alarm(
        AlarmName="shop-dev-silent",
        AlarmDescription=SILENT,
        InsufficientDataActions=["arn:aws:sns:ap-southeast-1:123456789012:shop-dev-alerts"],
        Namespace="shop",
        MetricName="build_info",
        ComparisonOperator="LessThanThreshold",
        EvaluationPeriods=5,
        Period=60,
        Statistic="SampleCount",
        Threshold=1,
    )
    cloudwatch.set_alarm_state(AlarmName="shop-dev-users", StateValue="ALARM", StateReason="test")
    cloudwatch.set_alarm_state(AlarmName="shop-dev-silent", StateValue="INSUFFICIENT_DATA", StateReason="test")
    yield world
    cloudwatch.delete_alarms(AlarmNames=["shop-dev-users", "shop-dev-silent"])


def test_alarms_tell_what_fires_and_what_to_read(combined: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert combined.ops("alarms", "dev") == 1
    assert capfd.readouterr().out.splitlines() == [
        "firing for 0 min, messages are paused  shop-dev-users",
        "  business: Users see errors",
        "  Read docs/runbooks/alarms/users.md",
        "no heartbeat for 0 min  shop-dev-silent",
        "  critical: No metric has arrived",
        "  Read docs/runbooks/alarms/silent.md",
        "1 of 3 alarms are quiet",
        "A missing heartbeat is normal before the first release.",
    ]
    assert combined.ops("alarms", "dev", "--json") == 1
    found = json.loads(capfd.readouterr().out)
    assert [(each["name"], each["state"], each["runbook"]) for each in found[:1]] == [
        ("shop-dev-users", "firing", "docs/runbooks/alarms/users.md")
    ]


def test_alarms_are_quiet_when_nothing_fires(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert world.ops("alarms", "dev") == 0
    assert capfd.readouterr().out == "1 of 1 alarms are quiet\n"


def test_status_names_the_alarm_and_its_runbook(combined: World, capfd: pytest.CaptureFixture[str]) -> None:
    combined.holds(**{"deployments/--output=json": {"items": [DEPLOYMENT]}})
    assert combined.ops("status", "dev") == 0
    assert "alarms: shop-dev-users is firing: Users see errors. Read docs/runbooks/alarms/users.md" in capfd.readouterr().out


def test_a_saved_query_is_run_by_its_name(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    logs = world.aws("logs")
    logs.create_log_group(logGroupName="/test/application")
    query = "filter log_processed.status >= 500"
    logs.put_query_definition(name="shop/dev/failed-requests", queryString=query, logGroupNames=["/test/application"])
    assert world.ops("query", "dev", "failed-requests") == 0
    assert capfd.readouterr().out == "nothing found\n"
    assert world.ops("query", "dev", "unknown") == 1
    assert "there is no saved query unknown: failed-requests" in capfd.readouterr().err
