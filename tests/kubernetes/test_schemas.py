"""Every overlay of every variant is valid by the schemas of Kubernetes and of the custom resources."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness import Renderer
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.overlays import VARIANTS, Manifest, kustomize, one, select
from tests.kubernetes.rules import CLASSES
from tests.kubernetes.schemas import problems


@pytest.mark.parametrize("variant", VARIANTS)
def test_manifests_match_their_schemas(rendered: Rendered, variant: str) -> None:
    for environment, manifests in rendered[variant].items():
        assert len(manifests) > 20, f"{environment} renders almost nothing"
        assert [problem for manifest in manifests for problem in problems(manifest)] == [], environment


def test_the_administrators_part_matches_its_schemas(render: Renderer) -> None:
    manifests = kustomize(render({"service": "shop"}) / "deploy/access")
    assert {manifest["kind"] for manifest in manifests} == {"Namespace", "PriorityClass", "Role", "RoleBinding", "SecretStore"}
    assert [problem for manifest in manifests for problem in problems(manifest)] == []
    assert one(manifests, "RoleBinding", "deployers")["subjects"][0]["name"] == "shop-deployers"


def test_the_administrators_priority_classes_are_those_that_pods_name(render: Renderer) -> None:
    """Jobs yield to requests, requests only as any other pod; and the autoscaler still adds nodes for jobs."""
    values = {
        manifest["metadata"]["name"]: manifest["value"] for manifest in select(kustomize(render({}) / "deploy/access"), "PriorityClass")
    }
    assert set(values) == CLASSES
    assert -10 < values["background"] < values["serving"] == 0


def _misspell(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "Deployment", "api")
    broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    return broken


def _retype(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "Service", "api")
    broken["spec"]["ports"][0]["port"] = "eighty"
    return broken


def _age(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "ExternalSecret", "app")
    broken["apiVersion"] = "external-secrets.io/v1beta1"
    return broken


def _misspell_custom(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "ExternalSecret", "app")
    broken["spec"]["data"][0]["remoteReference"] = broken["spec"]["data"][0].pop("remoteRef")
    return broken


def _retype_custom(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "ScaledObject", "worker")
    broken["spec"]["maxReplicaCount"] = "ten"
    return broken


def _remove(manifests: list[Manifest]) -> Manifest:
    return one(manifests, "PodDisruptionBudget", "api") | {"apiVersion": "policy/v1beta1"}


def _forget(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "Deployment", "worker")
    del broken["spec"]["selector"]
    return broken


def _write_as_before(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "Ingress", "api")
    broken["spec"]["rules"][0]["http"]["paths"][0]["backend"] = {"serviceName": "api", "servicePort": 80}
    return broken


def _invent(manifests: list[Manifest]) -> Manifest:
    return one(manifests, "Service", "api") | {"kind": "Servise"}


@pytest.mark.parametrize("fault", [_misspell, _retype, _remove, _forget, _write_as_before, _invent, _age, _misspell_custom, _retype_custom])
def test_a_wrong_manifest_is_refused(rendered: Rendered, fault: Callable[[list[Any]], Manifest]) -> None:
    manifests = copy.deepcopy(rendered["production"]["production"])
    assert list(problems(fault(manifests)))
