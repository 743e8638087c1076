"""NetworkPolicies allow exactly the flows of the architecture's picture: each flow, and no other."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness import Renderer
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.network import OUTSIDE, flows, picture, places, unlike
from tests.kubernetes.overlays import VARIANTS, Manifest, one
from tests.kubernetes.test_pairs import answers_of


@pytest.mark.parametrize("variant", VARIANTS)
def test_exactly_the_flows_of_the_picture_are_allowed(rendered: Rendered, render: Renderer, variant: str) -> None:
    answers = answers_of(render(VARIANTS[variant]))
    for environment, manifests in rendered[variant].items():
        assert list(unlike(manifests, answers)) == [], environment
        assert len(places(manifests)) >= 5 + len(OUTSIDE)


DRAWN = {
    "alb": "load balancer",
    "database": "database subnet",
    "cache": "database subnet",
    "agent": "cloudwatch agent",
    "keda": "keda operator",
}
"""The names of the matrix's nodes in the architecture's picture, if they differ."""

_ARROW = re.compile(r"^ +(\w+) -->\|[^|]*?(\d+)\| (\w+)$", re.MULTILINE)


@pytest.mark.parametrize("variant", ["startup", "production", "everything", "join", "queue"])
def test_the_table_is_the_picture_of_the_projects_own_docs(rendered: Rendered, render: Renderer, variant: str) -> None:
    """Each arrow with a port is a flow, and each flow between what the picture shows is an arrow."""
    text = (render(VARIANTS[variant]) / "docs/architecture.md").read_text(encoding="utf-8")
    arrows = {(DRAWN.get(source, source), DRAWN.get(target, target), int(port)) for source, port, target in _ARROW.findall(text)}
    assert len(arrows) >= 10
    places_drawn = {place for source, target, _ in arrows for place in (source, target)}
    for manifests in rendered[variant].values():
        shown = {flow for flow in flows(manifests) if {flow[0], flow[1]} <= places_drawn}
        # HTTPS and mail may go to any address; the diagram shows one arrow for all of them.
        beside = {(source, target, port) for source, target, port in shown if target != "internet" and port in (443, 587)}
        assert shown - beside == arrows


def test_an_option_adds_its_own_flows_alone() -> None:
    plain = picture({"mail": "ses"})
    assert picture({"mail": "smtp"}) - plain == {flow for flow in picture({}) if flow[2] == 587}
    assert {flow[2] for flow in picture({"mail": "ses", "tracing": True}) - plain} == {4316}
    assert picture({"mail": "ses", "worker_scaling": "queue"}) - plain == {("keda operator", "worker", 8001)}


def test_without_policies_everybody_reaches_everybody(rendered: Rendered) -> None:
    """The evaluation itself: a matrix that finds nothing would never fail."""
    manifests = [m for m in rendered["startup"]["production"] if m["kind"] != "NetworkPolicy"]
    assert ("internet", "api", 22) in flows(manifests)
    assert ("migrate", "internet", 25888) in flows(manifests)


def _policy(manifests: list[Manifest], name: str) -> Any:
    return one(manifests, "NetworkPolicy", name)


Fault = Callable[[list[Manifest]], object]

WRONG: dict[str, Fault] = {
    "nothing is denied": lambda m: m.remove(_policy(m, "deny-all")),
    "deny-all forgets what comes in": lambda m: _policy(m, "deny-all")["spec"]["policyTypes"].remove("Ingress"),
    "the policy of the database is gone": lambda m: m.remove(_policy(m, "database")),
    "migrations reach the cache": lambda m: _policy(m, "cache")["spec"].update(podSelector={}),
    "everybody calls the API": lambda m: _policy(m, "load-balancer")["spec"]["ingress"][0].pop("from"),
    "the load balancer reaches every port": lambda m: _policy(m, "load-balancer")["spec"]["ingress"][0].pop("ports"),
    "the subnets are the world": lambda m: _policy(m, "database")["spec"]["egress"][0].update(to=[{"ipBlock": {"cidr": "0.0.0.0/0"}}]),
    "the node's identity is in reach": lambda m: _policy(m, "https")["spec"]["egress"][0]["to"][0]["ipBlock"].pop("except"),
    "a service of another namespace is let in": lambda m: _policy(m, "api-metrics")["spec"]["ingress"][0].update(
        {"from": [{"namespaceSelector": {}}]}
    ),
    "any pod of keda may ask": lambda m: _policy(m, "worker-keda")["spec"]["ingress"][0]["from"][0].pop("podSelector"),
    "the agent's way in is closed": lambda m: m.remove(_policy(m, "worker-metrics")),
    "names are not found": lambda m: m.remove(_policy(m, "dns")),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_policy_is_found(rendered: Rendered, render: Renderer, wrong: str) -> None:
    manifests = copy.deepcopy(rendered["everything"]["production"])
    WRONG[wrong](manifests)
    assert list(unlike(manifests, answers_of(render(VARIANTS["everything"]))))
