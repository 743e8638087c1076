"""Manifests that schemas accept must also hold together; each check is shown to fail on a broken overlay."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.kubernetes import semantics
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.overlays import VARIANTS, Manifest, one
from tests.kubernetes.semantics import CHECKS, Check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("variant", VARIANTS)
def test_overlays_hold_together(rendered: Rendered, variant: str, check: Check) -> None:
    for environment, manifests in rendered[variant].items():
        assert list(check(manifests)) == [], environment


def _container(manifests: list[Manifest], name: str) -> Any:
    return one(manifests, "Deployment", name)["spec"]["template"]["spec"]["containers"][0]


def _pod(manifests: list[Manifest], name: str) -> Any:
    return one(manifests, "Deployment", name)["spec"]["template"]["spec"]


def _paths(manifests: list[Manifest]) -> Any:
    return one(manifests, "Ingress", "api")["spec"]["rules"][0]["http"]["paths"][0]


def _spread(manifests: list[Manifest]) -> Any:
    return _pod(manifests, "api")["topologySpreadConstraints"][0]["labelSelector"]


def _policy(manifests: list[Manifest]) -> Any:
    return one(manifests, "NetworkPolicy", "load-balancer")["spec"]


_WEIGHTS = "alb.ingress.kubernetes.io/actions.api-weighted"

BREAKS: list[tuple[Check, Callable[[list[Manifest]], object]]] = [
    (semantics.selectors_match_labels, lambda m: one(m, "Deployment", "api")["spec"]["selector"].update(matchLabels={"a": "b"})),
    (semantics.selectors_match_labels, lambda m: one(m, "Service", "api")["spec"].update(selector={"a": "b"})),
    (semantics.selectors_match_labels, lambda m: one(m, "Service", "api-canary")["spec"].update(selector={"a": "b"})),
    (semantics.selectors_match_labels, lambda m: one(m, "PodDisruptionBudget", "api")["spec"]["selector"].update(matchLabels={"a": "b"})),
    (semantics.selectors_match_labels, lambda m: _policy(m).update(podSelector={"matchLabels": {"a": "b"}})),
    (
        semantics.selectors_match_labels,
        lambda m: _spread(m).update(matchLabels={"a": "b"}),
    ),
    (semantics.ports_exist, lambda m: _container(m, "api")["readinessProbe"]["httpGet"].update(port="htp")),
    (semantics.ports_exist, lambda m: one(m, "Service", "api")["spec"]["ports"][0].update(targetPort="htp")),
    (semantics.backends_exist, lambda m: _paths(m)["backend"]["service"].update(name="api", port={"name": "htp"})),
    (semantics.backends_exist, lambda m: one(m, "Ingress", "api")["metadata"]["annotations"].pop(_WEIGHTS)),
    (semantics.backends_exist, lambda m: m.remove(one(m, "Service", "api-canary"))),
    (semantics.autoscalers_fit, lambda m: one(m, "HorizontalPodAutoscaler", "api")["spec"].update(minReplicas=11)),
    (semantics.autoscalers_fit, lambda m: one(m, "ScaledObject", "worker")["spec"].update(minReplicaCount=11)),
    (semantics.autoscalers_fit, lambda m: one(m, "ScaledObject", "worker")["spec"]["scaleTargetRef"].update(name="wroker")),
    (semantics.autoscalers_fit, lambda m: one(m, "Deployment", "api")["spec"].update(replicas=2)),
    (semantics.volumes_are_declared, lambda m: _pod(m, "api").pop("volumes")),
    (semantics.quantities_parse, lambda m: _container(m, "api")["resources"]["requests"].update(memory="256MB")),
    (semantics.images_are_digests, lambda m: _container(m, "api").update(image="registry.invalid/api:latest")),
    (semantics.images_are_digests, lambda m: _container(m, "worker").update(image="worker")),
    (semantics.sources_exist, lambda m: m.remove(one(m, "ExternalSecret", "app"))),
    (semantics.sources_exist, lambda m: m.remove(one(m, "ServiceAccount", "worker"))),
    (semantics.sources_exist, lambda m: m.remove(one(m, "SecretStore", "secrets-manager"))),
    (semantics.pods_are_restricted, lambda m: _pod(m, "api")["securityContext"].update(runAsNonRoot=False)),
    (semantics.pods_are_restricted, lambda m: _container(m, "worker")["securityContext"].update(readOnlyRootFilesystem=False)),
    (semantics.pods_are_restricted, lambda m: _pod(m, "worker").update(automountServiceAccountToken=True)),
    (semantics.pods_are_restricted, lambda m: _container(m, "api")["resources"]["limits"].update(cpu="1")),
    (semantics.grace_outlasts_the_work, lambda m: _pod(m, "worker").update(terminationGracePeriodSeconds=60)),
    (semantics.grace_outlasts_the_work, lambda m: _pod(m, "api").update(terminationGracePeriodSeconds=30)),
    (semantics.one_namespace, lambda m: one(m, "Service", "api")["metadata"].update(namespace="default")),
    (semantics.nothing_is_left_open, lambda m: one(m, "Service", "redis-service")["spec"].update(externalName="contract")),
]


@pytest.mark.parametrize(("check", "fault"), BREAKS, ids=[f"{check.__name__}-{number}" for number, (check, _) in enumerate(BREAKS)])
def test_a_check_fails_on_what_it_is_for(rendered: Rendered, check: Check, fault: Callable[[list[Manifest]], object]) -> None:
    manifests = copy.deepcopy(rendered["everything"]["production"])
    fault(manifests)
    assert list(check(manifests))


def test_no_check_is_without_a_break() -> None:
    assert {check.__name__ for check, _ in BREAKS} == {check.__name__ for check in CHECKS}
