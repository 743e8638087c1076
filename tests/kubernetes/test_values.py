"""Numbers, keys and flows of the manifests, held against where they come from."""

import ast
import itertools
import re
from pathlib import Path

import pytest
import yaml

from tests.harness import ROOT, Renderer
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.overlays import VARIANTS, Manifest, kustomize, one, select, settings_of
from tests.kubernetes.pods import containers
from tests.kubernetes.semantics import STORES

WORKLOAD: dict[str, int] = yaml.safe_load((ROOT / "extensions/catalogue/workload.yaml").read_text(encoding="utf-8"))


def each(rendered: Rendered, variant: str) -> list[tuple[str, list[Manifest]]]:
    return list(rendered[variant].items())


@pytest.mark.parametrize("variant", VARIANTS)
def test_requests_and_replicas_are_those_that_capacity_is_computed_from(rendered: Rendered, variant: str) -> None:
    for environment, manifests in each(rendered, variant):
        low = "lower." if variant == "sandbox" or environment != "production" else ""
        for name in ("api", "worker"):
            container = one(manifests, "Deployment", name)["spec"]["template"]["spec"]["containers"][0]
            requests = {"cpu": f"{WORKLOAD[f'{name}.cpu']}m", "memory": f"{WORKLOAD[f'{name}.memory']}Mi"}
            assert container["resources"]["requests"] == requests
            surge = one(manifests, "Deployment", name)["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
            assert surge == f"{WORKLOAD['surge_percent']}%"
            bounds = {
                (
                    s["spec"].get("minReplicas", s["spec"].get("minReplicaCount")),
                    s["spec"].get("maxReplicas", s["spec"].get("maxReplicaCount")),
                )
                for s in [*select(manifests, "HorizontalPodAutoscaler"), *select(manifests, "ScaledObject")]
                if s["spec"]["scaleTargetRef"]["name"] == name
            }
            assert bounds == {(WORKLOAD[f"{name}.min"], WORKLOAD[f"{low}{name}.max"])}


def test_the_autoscaler_has_the_references_thresholds(rendered: Rendered) -> None:
    spec = one(rendered["startup"]["production"], "HorizontalPodAutoscaler", "api")["spec"]
    targets = {metric["resource"]["name"]: metric["resource"]["target"]["averageUtilization"] for metric in spec["metrics"]}
    assert targets == {"cpu": 70, "memory": 80}
    assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 60
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300


def settings_known_to(project: Path) -> set[str]:
    """Variables that the service reads: the fields of its settings' sections."""
    known: set[str] = set()
    for path in (project / "src/app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id in {"Section", "BaseSettings"} for base in node.bases
            ):
                fields = [item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)]
                known |= {field.upper() for field in fields}
    assert "DATABASE_HOST" in known
    return known


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variable_that_is_set_is_one_that_the_service_reads(render: Renderer, rendered: Rendered, variant: str) -> None:
    known = settings_known_to(render(VARIANTS[variant]))
    if VARIANTS[variant].get("accounts") == "remote":
        # Every service's contract contains these secrets, but this variant does not use them.
        known |= {"JWT_SECRET", "SESSION_SECRET"}
    for environment, manifests in each(rendered, variant):
        keys = {item["secretKey"] for secret in select(manifests, "ExternalSecret") for item in secret["spec"].get("data", [])}
        assert set(settings_of(manifests)) | keys <= known
        assert settings_of(manifests)["ENVIRONMENT"] == environment
        needed = {"DATABASE_HOST", "DATABASE_PASSWORD", "DATABASE_SSL_MODE", "REDIS_HOST", "REDIS_PASSWORD", "REDIS_TLS", "JWT_SECRET"}
        assert needed <= set(settings_of(manifests)) | keys


def test_spot_shortens_the_workers_grace_and_lets_no_api_there(rendered: Rendered) -> None:
    manifests = rendered["everything"]["production"]
    worker, api = (one(manifests, "Deployment", name)["spec"]["template"]["spec"] for name in ("worker", "api"))
    assert worker["terminationGracePeriodSeconds"] == 110
    assert settings_of(manifests)["JOB_COMPLETION_WAIT"] == "90"
    assert [toleration["key"] for toleration in worker["tolerations"]] == ["spot"]
    assert "tolerations" not in api
    assert "tolerations" not in one(rendered["startup"]["production"], "Deployment", "worker")["spec"]["template"]["spec"]


def test_routes_probes_and_load_balancer_share_the_prefix(rendered: Rendered) -> None:
    manifests = rendered["join"]["production"]
    ingress = one(manifests, "Ingress", "api")
    assert ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] == "/billing/api"
    assert ingress["metadata"]["annotations"]["alb.ingress.kubernetes.io/healthcheck-path"] == "/billing/api/health/"
    probes = [
        c[p]["httpGet"]["path"] for n, _, c in containers(manifests) if n == "Deployment/api" for p in ("startupProbe", "livenessProbe")
    ]
    assert probes == ["/billing/api/health/ready", "/billing/api/health/live"]


def test_an_environment_has_its_own_pool_size_and_the_users_patches_come_last(rendered: Rendered, render: Renderer) -> None:
    sizes = {environment: int(settings_of(manifests)["DATABASE_POOL_SIZE"]) for environment, manifests in each(rendered, "startup")}
    # Fewer replicas share the same number of connections.
    assert sizes["dev"] > sizes["production"] >= WORKLOAD["connections.pool_minimum"]
    most = {environment: one(m, "HorizontalPodAutoscaler", "api")["spec"]["maxReplicas"] for environment, m in each(rendered, "startup")}
    assert most == {"dev": 4, "production": 10}
    for environment, replicas in most.items():
        patches = (render({}) / f"deploy/overlays/{environment}/patches.yaml").read_text(encoding="utf-8")
        # The patches set only the replicas.
        specs = [document["spec"] for document in yaml.safe_load_all(patches)]
        assert specs == [{"maxReplicas": replicas}]


def test_the_firewall_and_the_host_of_the_contract_reach_the_ingress(rendered: Rendered) -> None:
    ingress = one(rendered["everything"]["production"], "Ingress", "api")
    assert ingress["spec"]["rules"][0]["host"] == "service.invalid"
    assert ingress["metadata"]["annotations"]["alb.ingress.kubernetes.io/wafv2-acl-arn"].endswith("/placeholder")


PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_deploy_role_may_apply_every_kind_and_read_no_secret(render: Renderer, rendered: Rendered, variant: str) -> None:
    granted: dict[tuple[str, str], set[str]] = {}
    access = kustomize(render(VARIANTS[variant]) / "deploy/access")
    for role in select(access, "Role"):
        for rule in role["rules"]:
            for group, resource in itertools.product(rule["apiGroups"], rule["resources"]):
                granted.setdefault((group, resource), set()).update(rule["verbs"])
    for _, manifests in each(rendered, variant):
        for manifest in manifests:
            group = manifest["apiVersion"].rpartition("/")[0]
            resource = PLURALS.get(manifest["kind"], f"{manifest['kind'].lower()}s")
            wanted = {"get"} if manifest["kind"] == "Namespace" else {"get", "create", "patch"}
            assert wanted <= granted.get((group, resource), set()), manifest["kind"]
    assert not [resource for group, resource in granted if resource in {"secrets", "*", "roles"} or group == "*"]
    assert {store["metadata"]["name"] for store in select(access, "SecretStore")} == STORES
    (namespace,) = select(access, "Namespace")
    subjects = {subject["name"] for binding in select(access, "RoleBinding") for subject in binding["subjects"]}
    assert subjects == {f"{namespace['metadata']['name']}-deployers"}
    infra = (render(VARIANTS[variant]) / "infra/service/identities.tf").read_text(encoding="utf-8")
    assert 'kubernetes_groups = ["${var.service}-deployers"]' in infra


TYPED = re.compile(r"arn:aws|amazonaws\.com|\b\d{12}\b|\b(?:subnet|sg|vpc)-[0-9a-f]{8,}|\b(?:ap|us|eu)-[a-z]+-\d\b")
"""Values that only Terraform knows: ARNs, hosts, accounts, ids, regions."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_typed_that_terraform_knows(render: Renderer, variant: str) -> None:
    deploy = render(VARIANTS[variant]) / "deploy"
    folders = ("access", "base", "components", "namespace", "overlays", "service")
    files = [path for folder in folders for path in (deploy / folder).rglob("*") if path.is_file() and path.parent.name != "contract"]
    assert len(files) > 30
    assert [f"{path.name}: {found.group()}" for path in files for found in TYPED.finditer(path.read_text(encoding="utf-8"))] == []
    assert TYPED.search((deploy / "contract.example.json").read_text(encoding="utf-8"))
