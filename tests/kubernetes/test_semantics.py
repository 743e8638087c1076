"""Manifests that schemas accept must also hold together; each check is shown to fail on a broken overlay."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.kubernetes import rules, semantics
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.overlays import VARIANTS, Manifest, one
from tests.kubernetes.semantics import Check

CHECKS = [*semantics.CHECKS, *rules.RULES]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("variant", VARIANTS)
def test_overlays_hold_together(rendered: Rendered, variant: str, check: Check) -> None:
    for environment, manifests in rendered[variant].items():
        assert list(check(manifests)) == [], environment


def _pod(manifests: list[Manifest], name: str, kind: str = "Deployment") -> Any:
    return one(manifests, kind, name)["spec"]["template"]["spec"]


def _container(manifests: list[Manifest], name: str) -> Any:
    return _pod(manifests, name)["containers"][0]


def _paths(manifests: list[Manifest]) -> Any:
    return one(manifests, "Ingress", "api")["spec"]["rules"][0]["http"]["paths"][0]


def _spread(manifests: list[Manifest]) -> Any:
    return _pod(manifests, "api")["topologySpreadConstraints"][0]["labelSelector"]


def _policy(manifests: list[Manifest], name: str = "load-balancer") -> Any:
    return one(manifests, "NetworkPolicy", name)["spec"]


def _variable(manifests: list[Manifest], name: str) -> Any:
    return next(variable for variable in _container(manifests, "metrics")["env"] if variable["name"] == name)


def _settings(manifests: list[Manifest]) -> Any:
    return next(m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"].startswith("settings-"))["data"]


def _secret_keys(manifests: list[Manifest], name: str) -> Any:
    return one(manifests, "ExternalSecret", name)["spec"]["data"]


def _labels(manifests: list[Manifest]) -> Any:
    return next(m for m in manifests if m["kind"] == "Namespace")["metadata"]["labels"]


def _trigger(manifests: list[Manifest]) -> Any:
    return one(manifests, "ScaledObject", "worker")["spec"]["triggers"][0]["metadata"]


_WEIGHTS = "alb.ingress.kubernetes.io/actions.api-weighted"
_GROUP = "alb.ingress.kubernetes.io/target-group-attributes"
_OTHER = {"matchLabels": {"a": "b"}}

Fault = Callable[[list[Manifest]], object]

BREAKS: list[tuple[Check, Fault]] = [
    (semantics.names_are_unique, lambda m: m.append(one(m, "Service", "api"))),
    (semantics.one_namespace, lambda m: one(m, "Service", "api")["metadata"].update(namespace="default")),
    (semantics.selectors_match_labels, lambda m: one(m, "Deployment", "api")["spec"]["selector"].update(_OTHER)),
    (semantics.selectors_match_labels, lambda m: one(m, "Service", "api")["spec"].update(selector={"a": "b"})),
    (semantics.selectors_match_labels, lambda m: one(m, "Service", "api-canary")["spec"].update(selector={"a": "b"})),
    (semantics.selectors_match_labels, lambda m: one(m, "PodDisruptionBudget", "api")["spec"]["selector"].update(_OTHER)),
    (semantics.selectors_match_labels, lambda m: _policy(m).update(podSelector=_OTHER)),
    (semantics.selectors_match_labels, lambda m: _policy(m, "https")["podSelector"]["matchExpressions"][0]["values"].append("wroker")),
    (semantics.selectors_match_labels, lambda m: _policy(m, "worker-metrics")["ingress"][0]["from"][0]["podSelector"].update(_OTHER)),
    (semantics.selectors_match_labels, lambda m: _spread(m).update(_OTHER)),
    (semantics.probes_ask_open_ports, lambda m: _container(m, "api")["readinessProbe"]["httpGet"].update(port="htp")),
    (semantics.probes_ask_open_ports, lambda m: _container(m, "metrics")["livenessProbe"]["tcpSocket"].update(port="elf")),
    (semantics.services_reach_open_ports, lambda m: one(m, "Service", "api")["spec"]["ports"][0].update(targetPort="htp")),
    (semantics.services_reach_open_ports, lambda m: one(m, "Service", "worker-pods")["spec"]["ports"][0].update(targetPort=8000)),
    (semantics.services_reach_open_ports, lambda m: _container(m, "worker")["ports"].clear()),
    (semantics.policies_admit_to_open_ports, lambda m: _policy(m)["ingress"][0]["ports"][0].update(port=8080)),
    (semantics.backends_exist, lambda m: _paths(m)["backend"]["service"].update(name="api", port={"name": "htp"})),
    (semantics.backends_exist, lambda m: one(m, "Ingress", "api")["metadata"]["annotations"].pop(_WEIGHTS)),
    (semantics.backends_exist, lambda m: m.remove(one(m, "Service", "api-canary"))),
    (semantics.autoscalers_fit, lambda m: one(m, "HorizontalPodAutoscaler", "api")["spec"].update(minReplicas=11)),
    (semantics.autoscalers_fit, lambda m: one(m, "ScaledObject", "worker")["spec"].update(minReplicaCount=11)),
    (semantics.autoscalers_fit, lambda m: one(m, "ScaledObject", "worker")["spec"]["scaleTargetRef"].update(name="wroker")),
    (semantics.autoscalers_fit, lambda m: one(m, "Deployment", "api")["spec"].update(replicas=2)),
    (semantics.autoscalers_fit, lambda m: one(m, "Deployment", "metrics")["spec"].pop("replicas")),
    (semantics.autoscalers_fit, lambda m: _container(m, "api")["resources"]["requests"].pop("cpu")),
    (semantics.addresses_exist, lambda m: m.remove(one(m, "Service", "api-pods"))),
    (semantics.addresses_exist, lambda m: _trigger(m).update(url=_trigger(m)["url"].replace("worker-pods", "worker"))),
    (semantics.addresses_exist, lambda m: _trigger(m).update(url=_trigger(m)["url"].replace("8001", "8000"))),
    (semantics.volumes_are_declared, lambda m: _pod(m, "api").pop("volumes")),
    (semantics.volumes_are_declared, lambda m: _container(m, "worker").pop("volumeMounts")),
    (semantics.sources_exist, lambda m: m.remove(one(m, "ExternalSecret", "app"))),
    (semantics.sources_exist, lambda m: _container(m, "api")["envFrom"][0]["configMapRef"].update(name="settings")),
    (semantics.sources_exist, lambda m: m.remove(one(m, "ServiceAccount", "worker"))),
    (semantics.sources_exist, lambda m: one(m, "ExternalSecret", "app")["spec"]["secretStoreRef"].update(name="secrets")),
    (semantics.keys_exist, lambda m: _settings(m).pop("REDIS_HOST")),
    (semantics.keys_exist, lambda m: _settings(m).pop("ENVIRONMENT")),
    (semantics.keys_exist, lambda m: _secret_keys(m, "migrate").pop()),
    (semantics.keys_exist, lambda m: _variable(m, "ENVIRONMENT")["valueFrom"]["configMapKeyRef"].update(key="ENVIRONEMNT")),
    (semantics.keys_exist, lambda m: _container(m, "metrics")["env"].remove(_variable(m, "SERVICE"))),
    (rules.quantities_parse, lambda m: _container(m, "api")["resources"]["requests"].update(memory="256MB")),
    (rules.quantities_parse, lambda m: _container(m, "api")["resources"]["requests"].update(memory="1Gi")),
    (rules.quantities_parse, lambda m: _pod(m, "worker")["volumes"][0]["emptyDir"].update(sizeLimit="64 Mi")),
    (rules.images_are_digests, lambda m: _container(m, "api").update(image="registry.invalid/api:latest")),
    (rules.images_are_digests, lambda m: _container(m, "worker").update(image="worker")),
    (rules.images_are_digests, lambda m: _container(m, "metrics").update(image=f"{rules.TAGGED}:latest")),
    (rules.images_are_digests, lambda m: _container(m, "metrics").pop("imagePullPolicy")),
    (rules.pods_are_restricted, lambda m: _pod(m, "api")["securityContext"].update(runAsNonRoot=False)),
    (rules.pods_are_restricted, lambda m: _container(m, "worker")["securityContext"].update(readOnlyRootFilesystem=False)),
    (rules.pods_are_restricted, lambda m: _pod(m, "worker").update(automountServiceAccountToken=True)),
    (rules.resources_are_bounded, lambda m: _container(m, "api")["resources"]["limits"].update(cpu="1")),
    (rules.resources_are_bounded, lambda m: _container(m, "worker")["resources"]["limits"].pop("memory")),
    (rules.grace_outlasts_the_work, lambda m: _pod(m, "worker").update(terminationGracePeriodSeconds=100)),
    (rules.grace_outlasts_the_work, lambda m: _pod(m, "worker").update(terminationGracePeriodSeconds=330)),
    (rules.grace_outlasts_the_work, lambda m: _settings(m).update(JOB_COMPLETION_WAIT="300")),
    (rules.grace_outlasts_the_work, lambda m: _pod(m, "api").update(terminationGracePeriodSeconds=30)),
    (rules.grace_outlasts_the_work, lambda m: _container(m, "api").pop("lifecycle")),
    (rules.disruptions_are_bounded, lambda m: _pod(m, "worker")["topologySpreadConstraints"].pop()),
    (rules.disruptions_are_bounded, lambda m: m.remove(one(m, "PodDisruptionBudget", "worker"))),
    (rules.disruptions_are_bounded, lambda m: one(m, "Deployment", "api")["spec"].pop("minReadySeconds")),
    (rules.requests_are_never_dropped, lambda m: one(m, "Deployment", "api")["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)),
    (rules.requests_are_never_dropped, lambda m: _labels(m).pop("elbv2.k8s.aws/pod-readiness-gate-inject")),
    (rules.requests_are_never_dropped, lambda m: _labels(m).update({"pod-security.kubernetes.io/enforce": "baseline"})),
    (rules.requests_are_never_dropped, lambda m: one(m, "Ingress", "api")["metadata"]["annotations"].pop(_GROUP)),
    (rules.classes_exist, lambda m: _pod(m, "migrate", "Job").pop("priorityClassName")),
    (rules.classes_exist, lambda m: _pod(m, "worker").update(priorityClassName="serving")),
    (rules.nothing_is_left_open, lambda m: one(m, "Service", "redis-service")["spec"].update(externalName="contract")),
]


@pytest.mark.parametrize(("check", "fault"), BREAKS, ids=[f"{check.__name__}-{number}" for number, (check, _) in enumerate(BREAKS)])
def test_a_check_fails_on_what_it_is_for(rendered: Rendered, check: Check, fault: Fault) -> None:
    manifests = copy.deepcopy(rendered["everything"]["production"])
    fault(manifests)
    assert list(check(manifests))


def test_no_check_is_without_a_break() -> None:
    assert {check.__name__ for check, _ in BREAKS} == {check.__name__ for check in CHECKS}
