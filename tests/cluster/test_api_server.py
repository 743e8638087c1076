"""The rendered manifests on a real API server: schemas, admission, Pod Security and rights. Needs no node."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cluster import Cluster
from tests.cluster.namespaces import access
from tests.harness import Renderer
from tests.kubernetes.overlays import VARIANTS, Manifest, kustomize, one, overlays_of, select

pytestmark = pytest.mark.cluster

# Namespaces for this suite only: in a shared cluster, the names from the answers may be taken.
SERVICES = {variant: {**answers, "service": f"sampan-{variant.split()[0]}"} for variant, answers in VARIANTS.items()}


@pytest.fixture(scope="module", params=SERVICES)
def variant(request: pytest.FixtureRequest, render: Renderer) -> Path:
    """A project of each variant."""
    return render(SERVICES[request.param])


@pytest.fixture(scope="module")
def namespace(cluster: Cluster, variant: Path) -> Iterator[str]:
    """The variant's namespace, with the deployers' rights."""
    with access(cluster, variant) as name:
        create_accounts(cluster, variant)
        yield name


def create_accounts(cluster: Cluster, project: Path) -> None:
    """Admission looks up the account of each pod, also in a dry run."""
    cluster.apply(select(overlays(project)[0], "ServiceAccount"))


def overlays(project: Path) -> list[list[Manifest]]:
    """The manifests of every overlay."""
    return [kustomize(overlay) for overlay in overlays_of(project)]


def deployed(manifests: list[Manifest]) -> list[Manifest]:
    """Everything that a deploy applies: all but the namespace, which an administrator creates."""
    return [manifest for manifest in manifests if manifest["kind"] != "Namespace"]


def text(manifests: list[Manifest]) -> str:
    dumped: str = yaml.safe_dump_all(manifests, sort_keys=False)
    return dumped


DRY_RUN = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--field-manager=deploy", "--filename=-")


def test_deployers_may_apply_every_overlay(cluster: Cluster, variant: Path, namespace: str) -> None:
    """The whole overlay by the deployers' own rights: strict validation, defaulting, admission, and no warning."""
    deployer = cluster.impersonate(f"{namespace}-deployers")
    for manifests in overlays(variant):
        wanted = deployed(manifests)
        assert len(wanted) > 20
        run = deployer.run(*DRY_RUN, text=text(wanted))
        assert run.returncode == 0, run.stderr
        # Pod Security warns about workloads whose pods it would refuse, and the server about deprecated fields.
        assert "Warning" not in run.stderr, run.stderr
        assert len(run.stdout.splitlines()) == len(wanted)


def pods_of(manifests: list[Manifest]) -> Iterator[Manifest]:
    """A pod of each workload's template."""
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "Job"}:
            template = deepcopy(manifest["spec"]["template"])
            metadata = template.get("metadata", {}) | {"name": manifest["metadata"]["name"], "namespace": manifest["metadata"]["namespace"]}
            yield {"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata}


def test_pod_security_admits_every_pod(cluster: Cluster, variant: Path, namespace: str) -> None:
    for manifests in overlays(variant):
        pods = list(pods_of(manifests))
        assert {pod["metadata"]["name"] for pod in pods} >= {"api", "worker", "migrate", "metrics"}
        run = cluster.run("create", "--dry-run=server", "--filename=-", text=text(pods))
        assert run.returncode == 0, run.stderr
        assert run.stdout.count(" created") == len(pods)
    assert namespace


def _privileged(pod: Manifest) -> None:
    pod["spec"]["containers"][0]["securityContext"]["privileged"] = True
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True


def _host_path(pod: Manifest) -> None:
    pod["spec"]["volumes"].append({"name": "host", "hostPath": {"path": "/"}})


def _root(pod: Manifest) -> None:
    pod["spec"]["securityContext"]["runAsNonRoot"] = False


def _with_instrumentation(pod: Manifest) -> None:
    """An init container as cluster add-ons inject it, without a security context."""
    pod["spec"]["initContainers"] = [{"name": "instrumentation", "image": "instrumentation:1"}]


@pytest.fixture(scope="module")
def defaults(cluster: Cluster, render: Renderer) -> Iterator[Path]:
    """The project of the defaults, with its namespace."""
    project = render({"service": "sampan-defaults"})
    with access(cluster, project):
        create_accounts(cluster, project)
        yield project


@pytest.mark.parametrize("fault", [_privileged, _host_path, _root, _with_instrumentation])
def test_pod_security_refuses_a_pod_with_more_rights(cluster: Cluster, defaults: Path, fault: Any) -> None:
    (pod,) = [pod for pod in pods_of(overlays(defaults)[0]) if pod["metadata"]["name"] == "api"]
    fault(pod)
    run = cluster.run("create", "--dry-run=server", "--filename=-", text=text([pod]))
    assert run.returncode != 0
    assert "violates PodSecurity" in run.stderr


def _misspell(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "Deployment", "api")
    broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    return broken


def _mismatch(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "Deployment", "worker")
    broken["spec"]["selector"]["matchLabels"] = {"app.kubernetes.io/name": "api"}
    return broken


def _quantity(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "Deployment", "api")
    broken["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "512MB"
    return broken


def _bounds(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "HorizontalPodAutoscaler", "api")
    broken["spec"]["minReplicas"] = broken["spec"]["maxReplicas"] + 1
    return broken


def _volume(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "Deployment", "api")
    broken["spec"]["template"]["spec"]["volumes"] = []
    return broken


def _custom(manifests: list[Manifest]) -> Manifest:
    broken = one(manifests, "ExternalSecret", "app")
    broken["spec"]["target"]["deletionPolicy"] = "Forget"
    return broken


@pytest.mark.parametrize("fault", [_misspell, _mismatch, _quantity, _bounds, _volume, _custom])
def test_a_wrong_manifest_is_refused(cluster: Cluster, defaults: Path, fault: Any) -> None:
    run = cluster.run(*DRY_RUN, text=text([fault(deepcopy(overlays(defaults)[0]))]))
    assert run.returncode != 0, run.stdout


# Permissions that the deployers' Role must not grant: a verb, a resource and a namespace each.
FORBIDDEN = [
    ("get", "secrets", "own"),
    ("list", "secrets", "own"),
    ("create", "secrets", "own"),
    ("create", "secretstores.external-secrets.io", "own"),
    ("patch", "secretstores.external-secrets.io", "own"),
    ("create", "pods/exec", "own"),
    ("create", "pods", "own"),
    ("delete", "networkpolicies.networking.k8s.io", "own"),
    ("create", "serviceaccounts/token", "own"),
    ("create", "roles.rbac.authorization.k8s.io", "own"),
    ("patch", "rolebindings.rbac.authorization.k8s.io", "own"),
    ("bind", "roles.rbac.authorization.k8s.io", "own"),
    ("escalate", "roles.rbac.authorization.k8s.io", "own"),
    ("patch", "namespaces", "own"),
    ("delete", "namespaces", "own"),
    ("patch", "deployments.apps", "kube-system"),
    ("get", "configmaps", "kube-system"),
    ("create", "deployments.apps", "default"),
    ("create", "namespaces", ""),
    ("create", "priorityclasses.scheduling.k8s.io", ""),
    ("create", "mutatingwebhookconfigurations.admissionregistration.k8s.io", ""),
    ("create", "clusterrolebindings.rbac.authorization.k8s.io", ""),
    ("get", "nodes", ""),
    ("impersonate", "users", ""),
]


@pytest.mark.parametrize(("verb", "resource", "where"), FORBIDDEN)
def test_deployers_may_do_no_more(cluster: Cluster, defaults: Path, verb: str, resource: str, where: str) -> None:
    assert defaults.exists()
    place = {"own": ("--namespace=sampan-defaults",), "": ("--all-namespaces",)}.get(where, (f"--namespace={where}",))
    deployer = cluster.impersonate("sampan-defaults-deployers")
    kind, _, part = resource.partition("/")
    subresource = [f"--subresource={part}"] if part else []
    assert deployer.run("auth", "can-i", verb, kind, *subresource, *place).stdout.strip() == "no"


def test_the_pods_accounts_have_no_right_on_the_api(cluster: Cluster, defaults: Path) -> None:
    for account in select(overlays(defaults)[0], "ServiceAccount"):
        user = f"system:serviceaccount:sampan-defaults:{account['metadata']['name']}"
        for verb, resource in (("get", "secrets"), ("list", "pods"), ("create", "pods"), ("get", "configmaps")):
            answer = cluster.run("auth", "can-i", verb, resource, "--namespace=sampan-defaults", f"--as={user}")
            assert answer.stdout.strip() == "no", f"{user} may {verb} {resource}"


def test_the_administrators_part_is_admitted(cluster: Cluster, variant: Path, namespace: str) -> None:
    run = cluster.run(*DRY_RUN[:3], "--field-manager=suite", "--filename=-", text=text(kustomize(variant / "deploy/access")))
    assert run.returncode == 0, run.stderr
    assert "Warning" not in run.stderr, run.stderr
    assert namespace
