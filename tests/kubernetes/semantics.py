"""Checks that schemas miss, of one overlay: references between its manifests. Each check yields one line per fault.

The design's rules for each manifest are in `rules.py`, the flows in `network.py`.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.kubernetes.overlays import Manifest, select
from tests.kubernetes.pods import alternatives, containers, name_of, pods, selects, workloads

Check = Callable[[list[Manifest]], Iterator[str]]

CLUSTER_WIDE = {"Namespace"}
STORES = {"secrets-manager"}
"""Stores of `deploy/access`; a test holds the two alike."""
_ALB = "alb.ingress.kubernetes.io/"
_VARIABLE = re.compile(r"\$\(([A-Z_]+)\)")


def names_are_unique(manifests: list[Manifest]) -> Iterator[str]:
    names = [name_of(manifest) for manifest in manifests]
    yield from (f"{name} stands twice" for name in sorted({name for name in names if names.count(name) > 1}))


def one_namespace(manifests: list[Manifest]) -> Iterator[str]:
    namespaces = [manifest["metadata"]["name"] for manifest in select(manifests, "Namespace")]
    for manifest in manifests:
        if manifest["kind"] not in CLUSTER_WIDE and [manifest["metadata"].get("namespace")] != namespaces:
            yield f"{name_of(manifest)} is in {manifest['metadata'].get('namespace')}"


def selectors_match_labels(manifests: list[Manifest]) -> Iterator[str]:
    """Every selector finds a pod, and every value of its expressions does."""
    every = pods(manifests)
    for workload in workloads(manifests):
        template = workload["spec"]["template"]
        own = [workload["spec"]["selector"]] if "selector" in workload["spec"] else []
        own += [constraint["labelSelector"] for constraint in template["spec"].get("topologySpreadConstraints", [])]
        if not all(selects(selector, template["metadata"]["labels"]) for selector in own):
            yield f"{name_of(workload)} selects other pods than its own"
    for manifest, selector in _selectors(manifests):
        for labels in alternatives(selector):
            if not any(labels.items() <= pod.labels.items() for pod in every):
                yield f"{name_of(manifest)} selects no pod by {labels}"


def _selectors(manifests: list[Manifest]) -> Iterator[tuple[Manifest, dict[str, Any]]]:
    for service in select(manifests, "Service"):
        if "selector" in service["spec"]:
            yield service, {"matchLabels": service["spec"]["selector"]}
    for budget in select(manifests, "PodDisruptionBudget"):
        yield budget, budget["spec"]["selector"]
    for policy in select(manifests, "NetworkPolicy"):
        yield policy, policy["spec"]["podSelector"]
        for peer in _peers(policy):
            if "podSelector" in peer and "namespaceSelector" not in peer:
                yield policy, peer["podSelector"]


def _peers(policy: Manifest) -> Iterator[dict[str, Any]]:
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in policy["spec"].get(direction, []):
            yield from rule.get(side, [])


def probes_ask_open_ports(manifests: list[Manifest]) -> Iterator[str]:
    for name, _, container in containers(manifests):
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container.get(probe, {})
            action = asked.get("httpGet") or asked.get("tcpSocket")
            if action and action["port"] not in ports:
                yield f"{name}: {probe} asks a port that the container has not"


def services_reach_open_ports(manifests: list[Manifest]) -> Iterator[str]:
    """Of every pod that they select."""
    every = pods(manifests)
    for service in (service for service in select(manifests, "Service") if "selector" in service["spec"]):
        targets = [port.get("targetPort", port["port"]) for port in service["spec"]["ports"]]
        for pod in every:
            if selects({"matchLabels": service["spec"]["selector"]}, pod.labels) and not all(map(pod.opens, targets)):
                yield f"{name_of(service)} sends to a port that {pod.owner} does not open"


def policies_admit_to_open_ports(manifests: list[Manifest]) -> Iterator[str]:
    every = pods(manifests)
    for policy in select(manifests, "NetworkPolicy"):
        admitted = [port["port"] for rule in policy["spec"].get("ingress", []) for port in rule["ports"]]
        for pod in every:
            if selects(policy["spec"]["podSelector"], pod.labels) and not all(map(pod.opens, admitted)):
                yield f"{name_of(policy)} admits to a port that {pod.owner} does not open"


def backends_exist(manifests: list[Manifest]) -> Iterator[str]:
    services = {m["metadata"]["name"]: m["spec"].get("ports", []) for m in select(manifests, "Service")}
    for ingress in select(manifests, "Ingress"):
        for path in (path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            if backend["port"].get("name") != "use-annotation":
                if not any(port["name"] == backend["port"]["name"] for port in services.get(backend["name"], [])):
                    yield f"{name_of(ingress)} sends to {backend['name']}, which is not there"
                continue
            action = json.loads(ingress["metadata"]["annotations"].get(f"{_ALB}actions.{backend['name']}", "{}"))
            groups = action.get("forwardConfig", {}).get("targetGroups", [])
            if sum(group["weight"] for group in groups) != 100:
                yield f"{name_of(ingress)}: the weights do not add up to 100"
            for group in groups:
                if not any(port["port"] == group["servicePort"] for port in services.get(group["serviceName"], [])):
                    yield f"{name_of(ingress)} forwards to {group['serviceName']}, which is not there"


def autoscalers_fit(manifests: list[Manifest]) -> Iterator[str]:
    """A Deployment has one autoscaler and no count, or a count and no autoscaler."""
    deployments = {m["metadata"]["name"]: m for m in select(manifests, "Deployment")}
    scaled: list[str] = []
    for scaler in [*select(manifests, "HorizontalPodAutoscaler"), *select(manifests, "ScaledObject")]:
        spec = scaler["spec"]
        scaled.append(spec["scaleTargetRef"]["name"])
        if spec.get("minReplicas", spec.get("minReplicaCount")) > spec.get("maxReplicas", spec.get("maxReplicaCount")):
            yield f"{name_of(scaler)}: minimum above maximum"
        if scaled[-1] not in deployments:
            yield f"{name_of(scaler)} scales {scaled[-1]}, which is not there"
        for resource in (metric["resource"]["name"] for metric in spec.get("metrics", [])):
            target = deployments.get(scaled[-1], {"spec": {"template": {"spec": {"containers": []}}}})
            if not all(resource in c["resources"]["requests"] for c in target["spec"]["template"]["spec"]["containers"]):
                yield f"{name_of(scaler)} measures {resource}, which its pods do not request"
    for name, deployment in deployments.items():
        if scaled.count(name) + ("replicas" in deployment["spec"]) != 1:
            yield f"{name_of(deployment)} has {scaled.count(name)} autoscalers, and {deployment['spec'].get('replicas', 'no')} replicas"


def addresses_exist(manifests: list[Manifest]) -> Iterator[str]:
    """Every name in the cluster's own domain that stands anywhere is a Service of this overlay, under one of its ports."""
    services = {m["metadata"]["name"]: m["spec"].get("ports", []) for m in select(manifests, "Service")}
    (namespace,) = [m["metadata"]["name"] for m in select(manifests, "Namespace")]
    for manifest in manifests:
        text = json.dumps(manifest)
        for name, where in re.findall(r"([\w-]+)\.([\w$()-]+)\.svc\.cluster\.local", text):
            if name not in services or where not in (namespace, "$(SERVICE)"):
                yield f"{name_of(manifest)} names {name}.{where}, which is not there"
    for scaler in select(manifests, "ScaledObject"):
        for trigger in scaler["spec"]["triggers"]:
            url = urlsplit(trigger["metadata"]["url"])
            ports = services.get((url.hostname or "").partition(".")[0], [])
            if url.port not in [port["port"] for port in ports]:
                yield f"{name_of(scaler)} asks port {url.port}, which no Service has"


def volumes_are_declared(manifests: list[Manifest]) -> Iterator[str]:
    for name, pod, _ in containers(manifests):
        declared = {volume["name"] for volume in pod.get("volumes", [])}
        mounted = {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", [])}
        yield from (f"{name} mounts {volume}, which the pod has not" for volume in sorted(mounted - declared))
        yield from (f"{name} has the volume {volume}, which nothing mounts" for volume in sorted(declared - mounted))


def sources_exist(manifests: list[Manifest]) -> Iterator[str]:
    """Every ConfigMap, Secret, store and service account that is named is there."""
    maps = {m["metadata"]["name"] for m in select(manifests, "ConfigMap")}
    secrets = {m["spec"]["target"]["name"] for m in select(manifests, "ExternalSecret")}
    accounts = {m["metadata"]["name"] for m in select(manifests, "ServiceAccount")}
    for name, pod, container in containers(manifests):
        for source in container.get("envFrom", []):
            kind, known = ("configMapRef", maps) if "configMapRef" in source else ("secretRef", secrets)
            if source[kind]["name"] not in known:
                yield f"{name} reads {source[kind]['name']}, which is not there"
        if pod["serviceAccountName"] not in accounts:
            yield f"{name} runs as {pod['serviceAccountName']}, which is not there"
    for secret in select(manifests, "ExternalSecret"):
        if secret["spec"]["secretStoreRef"]["name"] not in STORES:
            yield f"{name_of(secret)} reads from a store that is not there"


_DATABASE = {"ENVIRONMENT", "DATABASE_HOST", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD", "DATABASE_SSL_MODE"}
_QUEUE = {"REDIS_HOST", "REDIS_PASSWORD", "REDIS_TLS"}
NEEDED = {
    "Deployment/api": {*_DATABASE, *_QUEUE, "JWT_SECRET", "SESSION_SECRET", "TRUSTED_PROXIES"},
    "Deployment/worker": {*_DATABASE, *_QUEUE, "JOB_COMPLETION_WAIT"},
    "Job/migrate": _DATABASE,
}
"""Variables without which a process does not start in a cluster."""


def keys_exist(manifests: list[Manifest]) -> Iterator[str]:
    """Every key that a container reads, by name or because its process needs it, is in a ConfigMap or a Secret."""
    maps = {m["metadata"]["name"]: set(m["data"]) for m in select(manifests, "ConfigMap")}
    secrets = {
        m["spec"]["target"]["name"]: {item["secretKey"] for item in m["spec"].get("data", [])} for m in select(manifests, "ExternalSecret")
    }
    for name, _, container in containers(manifests):
        keys: set[str] = set()
        for source in container.get("envFrom", []):
            known, reference = (maps, source["configMapRef"]) if "configMapRef" in source else (secrets, source["secretRef"])
            keys |= known.get(reference["name"], set())
        for variable in container.get("env", []):
            for kind, known in (("configMapKeyRef", maps), ("secretKeyRef", secrets)):
                reference = variable.get("valueFrom", {}).get(kind)
                if reference and reference["key"] not in known.get(reference["name"], set()):
                    yield f"{name} reads {reference['key']} of {reference['name']}, which is not there"
            for used in _VARIABLE.findall(variable.get("value", "")):
                if used not in keys:
                    yield f"{name}: {variable['name']} uses {used}, which does not stand before it"
            keys.add(variable["name"])
        yield from (f"{name} needs {key}, which nothing gives it" for key in sorted(NEEDED.get(name, set()) - keys))


CHECKS: list[Check] = [
    names_are_unique,
    one_namespace,
    selectors_match_labels,
    probes_ask_open_ports,
    services_reach_open_ports,
    policies_admit_to_open_ports,
    backends_exist,
    autoscalers_fit,
    addresses_exist,
    volumes_are_declared,
    sources_exist,
    keys_exist,
]
