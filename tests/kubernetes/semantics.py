"""What schemas miss: references between manifests, and the rules of the design. Each check yields one line a fault."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.kubernetes.overlays import Manifest, select

Check = Callable[[list[Manifest]], Iterator[str]]

_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|Ki|Mi|Gi)?")
_DIGEST = re.compile(r"[^@:\s]+@sha256:[0-9a-f]{64}")
_ALB = "alb.ingress.kubernetes.io/"


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    return [*select(manifests, "Deployment"), *select(manifests, "Job")]


def pod_of(workload: Manifest) -> dict[str, Any]:
    spec: dict[str, Any] = workload["spec"]["template"]["spec"]
    return spec


def labels_of(workload: Manifest) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name of the workload, its pod and each container."""
    for workload in workloads(manifests):
        for container in pod_of(workload)["containers"]:
            yield name_of(workload), pod_of(workload), container


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def selectors_match_labels(manifests: list[Manifest]) -> Iterator[str]:
    pods = [labels_of(workload) for workload in workloads(manifests)]
    # Made by the release of a canary from the Deployment `api`.
    if any("api-canary" in name_of(manifest) for manifest in select(manifests, "Service")):
        pods += [labels | {"app.kubernetes.io/name": "api-canary"} for labels in pods if labels["app.kubernetes.io/name"] == "api"]
    for deployment in select(manifests, "Deployment"):
        if not matches(deployment["spec"]["selector"]["matchLabels"], labels_of(deployment)):
            yield f"{name_of(deployment)} selects other pods than its own"
        for constraint in pod_of(deployment).get("topologySpreadConstraints", []):
            if not matches(constraint["labelSelector"]["matchLabels"], labels_of(deployment)):
                yield f"{name_of(deployment)} spreads other pods than its own"
    selecting = [(m, m["spec"].get("selector")) for m in select(manifests, "Service")]
    selecting += [(m, m["spec"]["selector"]["matchLabels"]) for m in select(manifests, "PodDisruptionBudget")]
    selecting += [(m, m["spec"]["podSelector"].get("matchLabels")) for m in select(manifests, "NetworkPolicy")]
    for manifest, selector in selecting:
        if selector is not None and not any(matches(selector, labels) for labels in pods):
            yield f"{name_of(manifest)} selects no pod"


def ports_exist(manifests: list[Manifest]) -> Iterator[str]:
    for name, _, container in containers(manifests):
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe in container and container[probe]["httpGet"]["port"] not in ports:
                yield f"{name}: {probe} asks a port that the container has not"
    for service in select(manifests, "Service"):
        if "selector" not in service["spec"]:
            continue
        ports = {port["name"] for name, _, container in containers(manifests) if name == "Deployment/api" for port in container["ports"]}
        if not {port["targetPort"] for port in service["spec"]["ports"]} <= ports:
            yield f"{name_of(service)} sends to a port that no container has"


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
    deployments = {m["metadata"]["name"]: m for m in select(manifests, "Deployment")}
    scaled: list[str] = []
    for scaler in select(manifests, "HorizontalPodAutoscaler"):
        scaled.append(scaler["spec"]["scaleTargetRef"]["name"])
        if scaler["spec"]["minReplicas"] > scaler["spec"]["maxReplicas"]:
            yield f"{name_of(scaler)}: minimum above maximum"
    for scaler in select(manifests, "ScaledObject"):
        scaled.append(scaler["spec"]["scaleTargetRef"]["name"])
        if scaler["spec"]["minReplicaCount"] > scaler["spec"]["maxReplicaCount"]:
            yield f"{name_of(scaler)}: minimum above maximum"
    if sorted(scaled) != sorted(deployments):
        yield f"autoscalers for {sorted(scaled)}, and Deployments {sorted(deployments)}"
    for deployment in deployments.values():
        if "replicas" in deployment["spec"]:
            yield f"{name_of(deployment)} names a count that its autoscaler owns"


def volumes_are_declared(manifests: list[Manifest]) -> Iterator[str]:
    for name, pod, container in containers(manifests):
        declared = {volume["name"] for volume in pod.get("volumes", [])}
        if not {mount["name"] for mount in container.get("volumeMounts", [])} <= declared:
            yield f"{name} mounts a volume that the pod has not"


def quantities_parse(manifests: list[Manifest]) -> Iterator[str]:
    for name, pod, container in containers(manifests):
        resources = container["resources"]
        quantities = [*resources["requests"].values(), *resources["limits"].values()]
        quantities += [volume["emptyDir"]["sizeLimit"] for volume in pod.get("volumes", [])]
        for quantity in quantities:
            if not _QUANTITY.fullmatch(str(quantity)):
                yield f"{name}: {quantity!r} is no quantity"


def images_are_digests(manifests: list[Manifest]) -> Iterator[str]:
    for name, _, container in containers(manifests):
        if not _DIGEST.fullmatch(container["image"]):
            yield f"{name} runs {container['image']}, which is no digest"


def sources_exist(manifests: list[Manifest]) -> Iterator[str]:
    """Every ConfigMap, Secret and service account that a pod names is there."""
    maps = {m["metadata"]["name"] for m in select(manifests, "ConfigMap")}
    secrets = {m["spec"]["target"]["name"] for m in select(manifests, "ExternalSecret")}
    stores = {m["metadata"]["name"] for m in select(manifests, "SecretStore")}
    accounts = {m["metadata"]["name"] for m in select(manifests, "ServiceAccount")}
    for name, pod, container in containers(manifests):
        for source in container["envFrom"]:
            kind, known = ("configMapRef", maps) if "configMapRef" in source else ("secretRef", secrets)
            if source[kind]["name"] not in known:
                yield f"{name} reads {source[kind]['name']}, which is not there"
        if pod["serviceAccountName"] not in accounts:
            yield f"{name} runs as {pod['serviceAccountName']}, which is not there"
    for secret in select(manifests, "ExternalSecret"):
        if secret["spec"]["secretStoreRef"]["name"] not in stores:
            yield f"{name_of(secret)} reads from a store that is not there"


def pods_are_restricted(manifests: list[Manifest]) -> Iterator[str]:
    for name, pod, container in containers(manifests):
        context, own = pod["securityContext"], container["securityContext"]
        if not (context["runAsNonRoot"] and context["runAsUser"] == 10001 and context["seccompProfile"]["type"] == "RuntimeDefault"):
            yield f"{name} may run as somebody else"
        if own["allowPrivilegeEscalation"] or not own["readOnlyRootFilesystem"] or own["capabilities"]["drop"] != ["ALL"]:
            yield f"{name} has privileges"
        if pod["automountServiceAccountToken"] or pod["enableServiceLinks"]:
            yield f"{name} is told of the cluster"
        if "cpu" in container["resources"]["limits"]:
            yield f"{name} has a CPU limit"


def grace_outlasts_the_work(manifests: list[Manifest]) -> Iterator[str]:
    """The worker has JOB_COMPLETION_WAIT and 20 s; the API its preStop, 30 s of uvicorn and room."""
    settings = next(m["data"] for m in select(manifests, "ConfigMap"))
    grace = {m["metadata"]["name"]: pod_of(m)["terminationGracePeriodSeconds"] for m in select(manifests, "Deployment")}
    if grace["worker"] < int(settings["JOB_COMPLETION_WAIT"]) + 20:
        yield "the worker is killed before its jobs are done"
    if grace["api"] < 20 + 30 + 10:
        yield "the API is killed before its requests are done"


def one_namespace(manifests: list[Manifest]) -> Iterator[str]:
    namespaces = [manifest["metadata"]["name"] for manifest in select(manifests, "Namespace")]
    for manifest in manifests:
        if manifest["kind"] != "Namespace" and [manifest["metadata"].get("namespace")] != namespaces:
            yield f"{name_of(manifest)} is in {manifest['metadata'].get('namespace')}"


def nothing_is_left_open(manifests: list[Manifest]) -> Iterator[str]:
    """A placeholder of the base that the contract did not replace."""
    for manifest in manifests:
        text = json.dumps(manifest)
        if '"contract"' in text or "192.0.2.0/24" in text:
            yield f"{name_of(manifest)} still has a placeholder of the base"


CHECKS: list[Check] = [
    selectors_match_labels,
    ports_exist,
    backends_exist,
    autoscalers_fit,
    volumes_are_declared,
    quantities_parse,
    images_are_digests,
    sources_exist,
    pods_are_restricted,
    grace_outlasts_the_work,
    one_namespace,
    nothing_is_left_open,
]
