"""The design's rules for each manifest. Each check yields one line per fault."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal

from tests.kubernetes.overlays import Manifest, select
from tests.kubernetes.pods import containers, name_of
from tests.kubernetes.semantics import Check

CLASSES = {"serving", "background"}
"""Priority classes of `deploy/access`; a test holds the two alike."""
TAGGED = "public.ecr.aws/cloudwatch-agent/cloudwatch-agent"
"""The only image that the project does not build: by exact tag, and pulled each time, since a tag can move."""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_SCALES = {"": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DIGEST = re.compile(r"[^@:\s]+@sha256:[0-9a-f]{64}")
_EXACT = re.compile(r"[^@:\s]+:\d+(\.\w+)+")


def amount(quantity: object) -> Decimal:
    """A quantity as a number. Raises ValueError for what Kubernetes would refuse."""
    found = _QUANTITY.fullmatch(str(quantity))
    if found is None:
        raise ValueError(quantity)
    suffix = found[2] or ""
    if suffix.endswith("i"):
        return Decimal(found[1]) * Decimal(1024 ** ("KMGTPE".index(suffix[0]) + 1))
    return Decimal(found[1]).scaleb(_SCALES[suffix])


def quantities_parse(manifests: list[Manifest]) -> Iterator[str]:
    """Every quantity is valid, and no request exceeds its limit."""
    for name, pod, container in containers(manifests):
        resources = container["resources"]
        quantities = [*resources["requests"].values(), *resources["limits"].values()]
        quantities += [volume["emptyDir"]["sizeLimit"] for volume in pod.get("volumes", [])]
        wrong = [quantity for quantity in quantities if not _QUANTITY.fullmatch(str(quantity))]
        yield from (f"{name}: {quantity!r} is not a quantity" for quantity in wrong)
        for resource in [] if wrong else resources["limits"]:
            if amount(resources["requests"][resource]) > amount(resources["limits"][resource]):
                yield f"{name} requests more {resource} than its limit"


def images_are_digests(manifests: list[Manifest]) -> Iterator[str]:
    for name, _, container in containers(manifests):
        image = container["image"]
        if image.startswith(TAGGED) and _EXACT.fullmatch(image) and container.get("imagePullPolicy") == "Always":
            continue
        if not _DIGEST.fullmatch(image):
            yield f"{name} runs {image}, which is not a digest"


def pods_are_restricted(manifests: list[Manifest]) -> Iterator[str]:
    for name, pod, container in containers(manifests):
        context, own = pod["securityContext"], container["securityContext"]
        if not (context["runAsNonRoot"] and context["runAsUser"] == 10001 and context["seccompProfile"]["type"] == "RuntimeDefault"):
            yield f"{name} may run as somebody else"
        if own["allowPrivilegeEscalation"] or not own["readOnlyRootFilesystem"] or own["capabilities"]["drop"] != ["ALL"]:
            yield f"{name} has privileges"
        if pod["automountServiceAccountToken"] or pod["enableServiceLinks"]:
            yield f"{name} is told of the cluster"


def resources_are_bounded(manifests: list[Manifest]) -> Iterator[str]:
    """CPU and memory are requested and memory is limited; who answers somebody has no CPU limit."""
    for name, _, container in containers(manifests):
        resources = container["resources"]
        if set(resources["requests"]) != {"cpu", "memory"} or "memory" not in resources["limits"]:
            yield f"{name} does not say what it takes"
        if name in ("Deployment/api", "Deployment/worker") and "cpu" in resources["limits"]:
            yield f"{name} has a CPU limit"


def grace_outlasts_the_work(manifests: list[Manifest]) -> Iterator[str]:
    """The worker has JOB_COMPLETION_WAIT and 20 s; the API its preStop, 30 s of uvicorn and room."""
    settings = next(m["data"] for m in select(manifests, "ConfigMap") if m["metadata"]["name"].startswith("settings"))
    for name, pod, container in containers(manifests):
        grace = pod.get("terminationGracePeriodSeconds", 0)
        if name == "Deployment/worker" and grace < int(settings["JOB_COMPLETION_WAIT"]) + 20:
            yield "the worker is killed before its jobs are done"
        if name == "Deployment/worker" and pod.get("tolerations") and grace > 110:
            yield "the worker outlives the warning of its node"
        if name == "Deployment/api":
            pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            if pause < 20 or grace < pause + 30 + 10:
                yield "the API is killed before its requests are done"


def disruptions_are_bounded(manifests: list[Manifest]) -> Iterator[str]:
    """Replicas are spread over zones and hosts, and drained one pod at a time; a broken pod blocks no drain."""
    budgets = {m["metadata"]["name"]: m["spec"] for m in select(manifests, "PodDisruptionBudget")}
    for deployment in select(manifests, "Deployment"):
        if deployment["spec"].get("replicas") == 1:
            continue
        spec, name = deployment["spec"]["template"]["spec"], deployment["metadata"]["name"]
        keys = {
            constraint["topologyKey"]
            for constraint in spec.get("topologySpreadConstraints", [])
            if constraint["whenUnsatisfiable"] == "ScheduleAnyway" and constraint["matchLabelKeys"] == ["pod-template-hash"]
        }
        if keys != {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}:
            yield f"{name_of(deployment)} is not spread"
        budget = budgets.get(name, {})
        if (budget.get("maxUnavailable"), budget.get("unhealthyPodEvictionPolicy")) != (1, "AlwaysAllow"):
            yield f"{name_of(deployment)} has no budget of one pod"
        if deployment["spec"].get("minReadySeconds") != 10:
            yield f"{name_of(deployment)} counts a pod at once"


def requests_are_never_dropped(manifests: list[Manifest]) -> Iterator[str]:
    """The API's rollout: no pod goes before another serves, and none serves before the load balancer knows it."""
    for deployment in select(manifests, "Deployment"):
        if deployment["metadata"]["name"] == "api":
            update = deployment["spec"]["strategy"]["rollingUpdate"]
            if (update["maxUnavailable"], update["maxSurge"]) != (0, "25%"):
                yield "a rollout takes pods of the API away"
    for namespace in select(manifests, "Namespace"):
        labels = namespace["metadata"]["labels"]
        if labels.get("elbv2.k8s.aws/pod-readiness-gate-inject") != "enabled":
            yield "a pod serves before the load balancer knows it"
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield "the namespace takes any pod"
    for ingress in select(manifests, "Ingress"):
        attributes = ingress["metadata"]["annotations"].get("alb.ingress.kubernetes.io/target-group-attributes", "")
        if attributes != "deregistration_delay.timeout_seconds=30":
            yield "the load balancer cuts requests off, or holds a rollout up"


def classes_exist(manifests: list[Manifest]) -> Iterator[str]:
    """Every pod has a priority class, requests before jobs."""
    for name, pod, _ in containers(manifests):
        expected = "background" if name == "Deployment/worker" else "serving"
        if pod.get("priorityClassName") != expected:
            yield f"{name} has the priority class {pod.get('priorityClassName')}"


def nothing_is_left_open(manifests: list[Manifest]) -> Iterator[str]:
    """A placeholder of the base that the contract did not replace."""
    for manifest in manifests:
        text = json.dumps(manifest)
        if '"contract"' in text or "192.0.2.0/24" in text:
            yield f"{name_of(manifest)} still has a placeholder of the base"


RULES: list[Check] = [
    quantities_parse,
    images_are_digests,
    pods_are_restricted,
    resources_are_bounded,
    grace_outlasts_the_work,
    disruptions_are_bounded,
    requests_are_never_dropped,
    classes_exist,
    nothing_is_left_open,
]
