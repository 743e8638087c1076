"""The surroundings of a service, as pods of the suite's own namespace: PostgreSQL and Valkey with TLS, a load balancer, a load."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.certificates import Authority
from tests.cluster.cluster import LABEL, Cluster
from tests.cluster.namespaces import refuse_foreign, remove
from tests.kubernetes.overlays import Manifest

NAMESPACE = "sampan-cluster"
STANDINS = Path(__file__).with_name("standins")
DATABASE, CACHE = f"postgres.{NAMESPACE}.svc.cluster.local", f"valkey.{NAMESPACE}.svc.cluster.local"
HOST_NAME = "balancer.example.com"
GATE = "target-health.elbv2.k8s.aws/api"
EMAIL = "load@example.com"
STARTED_SECONDS = 180


@dataclass(frozen=True)
class Passwords:
    """Of the databases' users, and the keys of the service."""

    master: str = field(default_factory=secrets.token_urlsafe)
    app: str = field(default_factory=secrets.token_urlsafe)
    migrations: str = field(default_factory=secrets.token_urlsafe)
    cache: str = field(default_factory=secrets.token_urlsafe)
    jwt: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    person: str = field(default_factory=secrets.token_urlsafe)


@contextmanager
def own_namespace(cluster: Cluster) -> Iterator[None]:
    """The suite's own namespace, for the block."""
    refuse_foreign(cluster, NAMESPACE)
    remove(cluster, NAMESPACE)
    cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": LABEL}}])
    try:
        yield
    finally:
        remove(cluster, NAMESPACE, wait=False)


def standin(name: str, image: str, containers: list[dict[str, Any]], *, account: str = "default") -> list[Manifest]:
    """A Deployment of one pod that runs programs of the suite, and its Service."""
    mounts = [{"name": "programs", "mountPath": "/programs"}, {"name": "certificates", "mountPath": "/certificates"}]
    volumes = [
        {"name": "programs", "configMap": {"name": "programs"}},
        {"name": "certificates", "secret": {"secretName": f"{name}-certificate", "optional": True}},
    ]
    whole = [{"image": image, "volumeMounts": mounts, **container} for container in containers]
    spec = {"serviceAccountName": account, "terminationGracePeriodSeconds": 5, "containers": whole, "volumes": volumes}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
            },
        },
    ]


def service(name: str, port: int) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    }


def secret(namespace: str, name: str, values: Mapping[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": dict(values)}


def environment(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def ready_when(port: int) -> dict[str, Any]:
    return {"tcpSocket": {"port": port}, "periodSeconds": 1}


def databases(image: str, authority: Authority, passwords: Passwords) -> list[Manifest]:
    """PostgreSQL 17 and Valkey, both with certificates of the suite's authority for their names in the cluster."""
    postgres = {
        "name": "postgres",
        "command": ["sh", "/programs/postgres.sh"],
        "env": environment({"POSTGRES_USER": "master", "POSTGRES_PASSWORD": passwords.master, "POSTGRES_DB": "service"}),
        "readinessProbe": ready_when(5432),
    }
    tls = ["--tls-port", "6379", "--port", "0", "--tls-cert-file", "/certificates/tls.crt", "--tls-key-file", "/certificates/tls.key"]
    user = ["--user", "default", "on", f">{passwords.cache}", "~*", "&*", "+@all"]
    rest = ["--tls-auth-clients", "no", "--protected-mode", "no", "--save", ""]
    valkey = {"name": "valkey", "command": ["valkey-server", *tls, *user, *rest], "readinessProbe": ready_when(6379)}
    return [
        secret(NAMESPACE, "postgres-certificate", authority.certificate(DATABASE)),
        secret(NAMESPACE, "valkey-certificate", authority.certificate(CACHE)),
        *standin("postgres", image, [postgres]),
        service("postgres", 5432),
        *standin("valkey", image, [valkey]),
        service("valkey", 6379),
    ]


def programs() -> Manifest:
    """The stand-ins' programs."""
    data = {path.name: path.read_text(encoding="utf-8") for path in sorted(STANDINS.iterdir()) if path.suffix in {".py", ".sh"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "programs", "namespace": NAMESPACE}, "data": data}


def balancer(image: str, namespace: str, route_prefix: str, passwords: Passwords) -> list[Manifest]:
    """The load balancer's stand-in and the load on it, in one pod."""
    variables = {
        "SERVICE_NAMESPACE": namespace,
        "HEALTH_PATH": f"{route_prefix}/health/",
        "READINESS_GATE": GATE,
        "HOST_NAME": HOST_NAME,
        "ROUTE_PREFIX": route_prefix,
        "EMAIL": EMAIL,
        "PASSWORD": passwords.person,
        "PYTHONUNBUFFERED": "1",
    }
    containers: list[dict[str, Any]] = [
        {"name": name, "command": ["python3", f"/programs/{name}.py"], "env": environment(variables)} for name in ("balancer", "load")
    ]
    containers[0]["readinessProbe"] = ready_when(8080)
    return [*_balancer_rights(namespace), *standin("balancer", image, containers, account="balancer")]


def _balancer_rights(namespace: str) -> list[Manifest]:
    """As the controller has: it reads pods and writes the condition of their readiness gates, and the Ingress's address."""
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["patch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["patch"]},
    ]
    metadata = {"name": "balancer", "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "balancer", "namespace": NAMESPACE}},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "balancer"},
            "subjects": [{"kind": "ServiceAccount", "name": "balancer", "namespace": NAMESPACE}],
        },
    ]


@contextmanager
def readiness_gates(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Give pods of the API the gate, as the controller's webhook does in namespaces with its label. A policy does it without a server."""
    kinds = cluster.kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "--output=name", "--no-headers")
    assert "mutatingadmissionpolicies." in kinds, "the cluster serves no MutatingAdmissionPolicy: Kubernetes 1.36, or its feature gate"
    served = cluster.kubectl("api-versions").split()
    version = "v1" if "admissionregistration.k8s.io/v1" in served and _serves_v1(cluster) else "v1beta1"
    manifests = gate_policy(f"admissionregistration.k8s.io/{version}", namespace)
    cluster.apply(manifests)
    try:
        yield
    finally:
        names = [f"{manifest['kind'].lower()}/{manifest['metadata']['name']}" for manifest in manifests]
        cluster.kubectl("delete", "--ignore-not-found", *names)


def _serves_v1(cluster: Cluster) -> bool:
    resources = json.loads(cluster.kubectl("get", "--raw", "/apis/admissionregistration.k8s.io/v1"))["resources"]
    return any(each["name"] == "mutatingadmissionpolicies" for each in resources)


def gate_policy(version: str, namespace: str) -> list[Manifest]:
    """A policy that adds the gate, bound to the pods of the API in one namespace."""
    metadata = {"name": f"readiness-gates-{namespace}", "labels": LABEL}
    labels = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled", "kubernetes.io/metadata.name": namespace}
    # In two steps: the API server of 1.36 panics when the value of a patch is a list of objects.
    gate = f'Object.spec.readinessGates{{conditionType: "{GATE}"}}'
    operations = [("/spec/readinessGates", "[]"), ("/spec/readinessGates/-", gate)]
    patch = ", ".join(f'JSONPatch{{op: "add", path: "{path}", value: {value}}}' for path, value in operations)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    return [
        {
            "apiVersion": version,
            "kind": "MutatingAdmissionPolicy",
            "metadata": metadata,
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "matchConstraints": {"resourceRules": [rule]},
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{patch}]"}}],
            },
        },
        {
            "apiVersion": version,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": {
                "policyName": metadata["name"],
                "matchResources": {
                    "namespaceSelector": {"matchLabels": labels},
                    "objectSelector": {"matchLabels": {"app.kubernetes.io/name": "api"}},
                },
            },
        },
    ]


@dataclass(frozen=True)
class Load:
    """The load that runs in the balancer's pod."""

    cluster: Cluster

    def _execute(self, *command: str, timeout: float = 60) -> str:
        where = ("exec", f"--namespace={NAMESPACE}", "deployment/balancer", "--container=load", "--")
        return self.cluster.kubectl(*where, *command, timeout=timeout)

    def seen(self) -> dict[str, Any]:
        """Requests, failures and accepted tasks since the beginning."""
        found: dict[str, Any] = json.loads(self._execute("cat", "/tmp/load.json"))  # noqa: S108  in the pod
        return found

    def await_start(self) -> None:
        """Wait until the first requests have been answered."""
        running = ("exec", f"--namespace={NAMESPACE}", "deployment/balancer", "--container=load", "--", "test", "-s", "/tmp/load.json")  # noqa: S108
        self.cluster.await_true("the load does not start", lambda: self.cluster.run(*running).returncode == 0, 90)

    @contextmanager
    def unharmed(self, least: int = 100) -> Iterator[None]:
        """Fail when any request of the block failed, or when there were too few to tell."""
        before = self.seen()
        yield
        # Include requests that are still running when the block ends.
        time.sleep(3)
        after = self.seen()
        failures = after["failures"][len(before["failures"]) :]
        requests = after["requests"] - before["requests"]
        print(f"{len(failures)} of {requests} requests failed")  # noqa: T201  for -s and for reports of failures
        assert not failures, failures[:10]
        assert requests >= least, f"only {requests} requests"

    def settle(self) -> dict[str, int]:
        """States of all accepted tasks, once each has ended."""
        found: dict[str, int] = json.loads(self._execute("python3", "/programs/load.py", "settle", timeout=600).splitlines()[-1])
        return found
