"""A release is green only when somebody can reach it: the load balancer has a name, target groups before the pods, and a healthy target."""

import sys
from types import ModuleType
from typing import Any

import pytest

from tests.harness import Renderer
from tests.kubernetes.deployer import DIGESTS, LOAD_BALANCER, Deployer
from tests.kubernetes.modules import let_sleeping_pass_time, ops_module
from tests.kubernetes.overlays import VARIANTS, kustomize, one

GATE = "target-health.elbv2.k8s.aws/k8s-shop-api-0123456789"
PENDING = {
    "type": "Warning",
    "message": "Failed deploy model due to UnsupportedCertificate: The certificate 'arn:…' must have a fully-qualified domain name",
}


class Cluster:
    """An Ingress whose load balancer, target groups and healthy target come after so many looks each; never where it is None."""

    def __init__(self, ingress: dict[str, Any], *, name: int | None = 0, bound: int | None = 0, healthy: int | None = 0) -> None:
        self.ingress = ingress
        self.after = {"name": name, "bound": bound, "healthy": healthy}
        self.looks = 0
        self.gates = [{"conditionType": GATE}]
        self.events_of: list[dict[str, Any]] = []

    def has(self, what: str) -> bool:
        after = self.after[what]
        return after is not None and self.looks > after

    def get(self, kind: str, _name: str) -> dict[str, Any]:
        self.looks += 1
        if kind == "deployment":
            return {"spec": {"selector": {"matchLabels": {"app": "api"}}}}
        entries = [{"hostname": LOAD_BALANCER}] if self.has("name") else []
        return {**self.ingress, "status": {"loadBalancer": {"ingress": entries}}}

    def select(self, kind: str, _labels: dict[str, str]) -> list[dict[str, Any]]:
        if kind == "targetgroupbinding":
            names = ["api", "api-canary"] if self.has("bound") else []
            return [{"metadata": {}, "spec": {"serviceRef": {"name": name}}} for name in names]
        self.looks += 1
        status = "True" if self.has("healthy") else "False"
        condition = {"type": GATE, "status": status, "reason": "Target.FailedHealthChecks", "message": "Health checks failed: 503"}
        return [{"metadata": {}, "spec": {"readinessGates": self.gates}, "status": {"conditions": [condition]}}]

    def events(self, name: str, kind: str = "Pod") -> list[dict[str, Any]]:
        assert (name, kind) == ("api", "Ingress")
        return self.events_of


@pytest.fixture
def balancer(render: Renderer, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, in a time that passes where it sleeps."""
    module = ops_module(render({}), "ops.load_balancer", monkeypatch)
    let_sleeping_pass_time(monkeypatch)
    return module


@pytest.fixture
def ingress(render: Renderer) -> dict[str, Any]:
    """That of a canary's project, which sends to two Services by an action."""
    return one(kustomize(render(VARIANTS["canary"]) / "deploy/overlays/dev"), "Ingress", "api")


def refused() -> type[Exception]:
    kind: type[Exception] = sys.modules["ops.errors"].OpsError
    return kind


def test_it_waits_for_a_name_and_for_every_target_group(balancer: ModuleType, ingress: dict[str, Any]) -> None:
    cluster = Cluster(ingress, name=3, bound=7)
    assert balancer.wait(cluster, lambda _: None) == LOAD_BALANCER
    assert cluster.looks == 8


def test_an_ingress_that_gets_no_load_balancer_says_why(balancer: ModuleType, ingress: dict[str, Any]) -> None:
    """Issue 11, A4: with a pending certificate the release was green and nothing answered."""
    cluster = Cluster(ingress, name=None)
    cluster.events_of = [{"type": "Normal", "message": "Successfully reconciled"}, PENDING]
    with pytest.raises(refused(), match=r"has no host name after 420 s\.\nThe load balancer controller says: .*UnsupportedCertificate"):
        balancer.wait(cluster, lambda _: None)


def test_a_service_without_a_target_group_is_named(balancer: ModuleType, ingress: dict[str, Any]) -> None:
    with pytest.raises(refused(), match=r"no target group for api, api-canary.*\n.*says nothing of it"):
        balancer.wait(Cluster(ingress, bound=None), lambda _: None)


def test_a_cluster_whose_controller_has_no_such_kind_is_not_waited_for(
    balancer: ModuleType, ingress: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = refused()('error: the server doesn\'t have a resource type "targetgroupbinding"')

    def unknown(*_: object) -> None:
        raise answer

    cluster = Cluster(ingress)
    monkeypatch.setattr(cluster, "select", unknown)
    assert balancer.wait(cluster, lambda _: None) == LOAD_BALANCER


def test_it_waits_for_a_healthy_target(balancer: ModuleType, ingress: dict[str, Any]) -> None:
    cluster = Cluster(ingress, healthy=5)
    balancer.require_healthy_target(cluster, "api", lambda _: None)
    assert cluster.looks == 6


def test_targets_that_stay_unhealthy_are_explained(balancer: ModuleType, ingress: dict[str, Any]) -> None:
    with pytest.raises(refused(), match="no target of the load balancer is healthy: Health checks failed: 503"):
        balancer.require_healthy_target(Cluster(ingress, healthy=None), "api", lambda _: None)


def test_pods_without_a_gate_are_not_taken_for_healthy(balancer: ModuleType, ingress: dict[str, Any]) -> None:
    cluster = Cluster(ingress)
    cluster.gates = []
    with pytest.raises(refused(), match="no pod of the API has a readiness gate"):
        balancer.require_healthy_target(cluster, "api", lambda _: None)


def test_target_groups_are_there_before_any_pod(deployer: Deployer) -> None:
    assert deployer.run().returncode == 0
    calls = list(deployer.calls())
    asked = next(number for number, call in enumerate(calls) if call.arguments[:1] == ["targetgroupbinding"])
    rolled = next(number for number, call in enumerate(calls) if call.verb == "apply" and "Deployment/api" in call.applied)
    assert asked < rolled


def test_without_a_domain_the_load_balancers_name_is_the_public_address(deployer: Deployer) -> None:
    """Issue 12, 9: mails linked to http://127.0.0.1:8000. The first release learns its address on its way, a later one has it at once."""
    deployer.publish(host="", certificate_arn="")
    run = deployer.run()
    assert run.returncode == 0, run.stderr
    settings = {name: held["data"] for name, held in deployer.state.items() if name.startswith("configmap/settings-")}
    (named,) = [name for name, data in settings.items() if data.get("PUBLIC_URL") == f"http://{LOAD_BALANCER}"]
    for workload in ("api", "worker"):
        template = deployer.state[f"deployment/{workload}"]["spec"]["template"]
        assert named.removeprefix("configmap/") in str(template)
    assert named.removeprefix("configmap/") in deployer.state["configmap/deploy-manifests"]["data"]["manifests"]
    deployer.forget_calls()
    assert deployer.run(images=DIGESTS).returncode == 0
    prepared = [applied for applied in deployer.applies() if any(name.startswith("ConfigMap/settings-") for name in applied)]
    assert [name for applied in prepared for name in applied if name.startswith("ConfigMap/settings-")] == [
        named.replace("configmap", "ConfigMap")
    ]


def test_tags_are_asked_for_twenty_at_a_time(render: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services of one platform share a load balancer, so it may have more target groups than one call describes.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html: up to 20 resources in a single call.
    """
    project = render(VARIANTS["canary"])

    class Balancers:
        def describe_tags(self, *, ResourceArns: list[str]) -> dict[str, Any]:  # noqa: N803  AWS names it so
            assert 1 <= len(ResourceArns) <= 20
            return {"TagDescriptions": [{"ResourceArn": arn, "Tags": [{"Key": "name", "Value": arn}]} for arn in ResourceArns]}

    arns = [f"group-{number}" for number in range(41)]
    tags_of = ops_module(project, "ops.aws", monkeypatch).tags_of
    assert dict(tags_of(Balancers(), arns)) == {arn: {"name": arn} for arn in arns}
    assert list(tags_of(Balancers(), [])) == []
    others = [path.name for path in (project / "ops/src").rglob("*.py") if ".describe_tags(" in path.read_text(encoding="utf-8")]
    assert others == ["aws.py"]


def test_a_shared_load_balancer_has_one_firewall(render: Renderer) -> None:
    """Two Ingresses of a group that name two web ACLs stop the load balancer of all its services ("conflicting WAFv2 WebACL ARNs").

    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.5.0/pkg/ingress/model_build_load_balancer_addons.go
    """
    production = {"profile": "production", "domain": "api.example.com"}
    makes, joins = (render(production | {"platform": platform}) / "infra/service/waf.tf" for platform in ("create", "join"))
    assert (makes.exists(), joins.exists()) == (True, False)
