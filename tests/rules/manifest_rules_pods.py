"""Rules of Kubernetes, EKS, external-secrets and the autoscalers, over pods and what they need."""

from collections.abc import Iterator
from typing import Any

from tests.kubernetes.overlays import select
from tests.kubernetes.pods import containers, name_of, workloads
from tests.rules.manifests import MANIFESTS, Environment, manifest, workload

_GITHUB = "https://github.com"
_SECRETS = f"{_GITHUB}/external-secrets/external-secrets/blob/v2.8.0"
_AUTOSCALER = f"{_GITHUB}/kubernetes/autoscaler/blob/cluster-autoscaler-1.35.2/cluster-autoscaler"
_KUBERNETES = "https://kubernetes.io/docs"
_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"

PRODUCERS = {
    "": "Kubernetes",
    "apps": "Kubernetes",
    "autoscaling": "Kubernetes",
    "batch": "Kubernetes",
    "networking.k8s.io": "Kubernetes",
    "policy": "Kubernetes",
    "rbac.authorization.k8s.io": "Kubernetes",
    "scheduling.k8s.io": "Kubernetes",
    "external-secrets.io": "the chart external-secrets",
    "keda.sh": "the chart keda",
}
"""API groups, and what brings them to a cluster. A test holds the charts to `deploy/addons`."""

_SOURCES = {"configMapRef": "ConfigMap", "secretRef": "Secret", "configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
CLUSTERS_OWN_CLASSES = {"system-cluster-critical", "system-node-critical"}


def _references(spec: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Kind, name and whether it may be missing, of each ConfigMap and Secret that a pod's spec names."""
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        sources = [*container.get("envFrom", []), *[variable.get("valueFrom", {}) for variable in container.get("env", [])]]
        for source in sources:
            for key, kind in _SOURCES.items():
                if key in source:
                    yield kind, source[key]["name"], source[key].get("optional", False)
    for volume in spec.get("volumes", []):
        parts = [volume, *volume.get("projected", {}).get("sources", [])]
        for part in parts:
            if "configMap" in part:
                yield "ConfigMap", part["configMap"]["name"], part["configMap"].get("optional", False)
            if "secret" in part:
                yield "Secret", part["secret"].get("secretName", part["secret"].get("name")), part["secret"].get("optional", False)
    yield from (("Secret", secret["name"], False) for secret in spec.get("imagePullSecrets", []))


def _produced(environment: Environment, kind: str) -> set[str]:
    every = [*environment.manifests, *environment.access]
    found = {each["metadata"]["name"] for each in every if each["kind"] == kind}
    if kind == "Secret":
        found |= {each["spec"]["target"]["name"] for each in every if each["kind"] == "ExternalSecret"}
    return found


@MANIFESTS.rule(
    "Deployment",
    "Job",
    source=f"{_KUBERNETES}/concepts/configuration/secret/#restriction-secret-must-exist",
    broken=Environment([workload(envFrom=[{"secretRef": {"name": "nobodys"}}])]),
)
def what_a_pod_requires_has_a_producer(environment: Environment) -> Iterator[str]:
    """A pod with a required ConfigMap, Secret, service account or priority class that nothing creates never starts."""
    for each in workloads(environment.manifests):
        spec = each["spec"]["template"]["spec"]
        wanted = [(kind, name) for kind, name, optional in _references(spec) if not optional]
        wanted += [("ServiceAccount", spec["serviceAccountName"])] if "serviceAccountName" in spec else []
        if spec.get("priorityClassName") not in {None, *CLUSTERS_OWN_CLASSES}:
            wanted.append(("PriorityClass", spec["priorityClassName"]))
        for kind, name in wanted:
            if name not in _produced(environment, kind):
                yield f"{name_of(each)} requires {kind}/{name}"
        for volume in spec.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim and claim not in _produced(environment, "PersistentVolumeClaim"):
                yield f"{name_of(each)} requires PersistentVolumeClaim/{claim}"


@MANIFESTS.rule(
    "ExternalSecret",
    source=f"{_SECRETS}/pkg/controllers/externalsecret/externalsecret_controller.go#L424",
    broken=Environment(
        [
            workload(envFrom=[{"secretRef": {"name": "keys"}}]),
            manifest("ExternalSecret", "keys", spec={"target": {"name": "keys", "deletionPolicy": "Retain"}, "dataFrom": [{}]}),
        ]
    ),
)
def a_secret_that_may_have_no_data_is_optional(environment: Environment) -> Iterator[str]:
    """From no data External Secrets creates no Secret (`Retain`, `Delete`). Only `data` names keys that must exist."""
    open_ended = {
        each["spec"]["target"]["name"]
        for each in select(environment.manifests, "ExternalSecret")
        if not each["spec"].get("data") and each["spec"]["target"].get("deletionPolicy") in {"Retain", "Delete"}
    }
    for each in workloads(environment.manifests):
        for kind, name, optional in _references(each["spec"]["template"]["spec"]):
            if kind == "Secret" and name in open_ended and not optional:
                yield f"{name_of(each)} requires {name}, which may have no data"


@MANIFESTS.rule(
    "ExternalSecret",
    source=f"{_KUBERNETES}/concepts/extend-kubernetes/api-extension/custom-resources/#customresourcedefinitions",
    broken=Environment([manifest("Certificate", version="cert-manager.io/v1")]),
)
def every_kind_is_served(environment: Environment) -> Iterator[str]:
    """The API server refuses objects whose CustomResourceDefinition is not installed."""
    for each in [*environment.manifests, *environment.access]:
        group = each["apiVersion"].rpartition("/")[0]
        if group not in PRODUCERS:
            yield f"{name_of(each)} is of {group}, which nothing installs"


@MANIFESTS.rule(
    "ExternalSecret",
    source=f"{_SECRETS}/docs/guides/multi-tenancy.md#managed-secretstore-per-namespace",
    broken=Environment(
        access=[manifest("Role", rules=[{"apiGroups": ["external-secrets.io"], "resources": ["secretstores"], "verbs": ["patch"]}])]
    ),
)
def only_an_administrator_makes_stores(environment: Environment) -> Iterator[str]:
    """A writer of stores or generators can read everything that the operator can read: other services' secrets, on a shared platform."""
    yield from (name_of(each) for each in environment.manifests if each["kind"].endswith("SecretStore"))
    for role in [*select(environment.access, "Role"), *select(environment.access, "ClusterRole")]:
        for rule in role["rules"]:
            stores = [name for name in rule["resources"] if name == "*" or name.endswith("secretstores")]
            if {"external-secrets.io", "*"} & set(rule["apiGroups"]) and stores and set(rule["verbs"]) - {"get", "list", "watch"}:
                yield f"{name_of(role)} may {', '.join(rule['verbs'])} {', '.join(stores)}"
            if {"generators.external-secrets.io"} & set(rule["apiGroups"]):
                yield f"{name_of(role)} may make credentials"


@MANIFESTS.rule(
    "ExternalSecret",
    source=f"{_SECRETS}/docs/introduction/faq.md",
    broken=Environment([manifest("ExternalSecret", name, spec={"target": {"name": "app", "creationPolicy": "Owner"}}) for name in "ab"]),
)
def one_owner_a_secret(environment: Environment) -> Iterator[str]:
    """Two ExternalSecrets that own the same Secret overwrite each other's data again and again."""
    owned = [
        each["spec"]["target"]["name"]
        for each in select(environment.manifests, "ExternalSecret")
        if each["spec"]["target"].get("creationPolicy", "Owner") == "Owner"
    ]
    yield from sorted({name for name in owned if owned.count(name) > 1})


@MANIFESTS.rule(
    "ServiceAccount",
    source=f"{_KUBERNETES}/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping",
    broken=Environment(access=[manifest("Role", rules=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}])]),
)
def deployers_have_no_way_around_their_role(environment: Environment) -> Iterator[str]:
    """Reading Secrets, running commands in pods, making tokens, roles, or wildcards give more than a deploy takes."""
    powers = {"*", "secrets", "pods/exec", "pods/attach", "pods/ephemeralcontainers", "serviceaccounts/token", "roles", "rolebindings"}
    for role in [*select(environment.access, "Role"), *select(environment.access, "ClusterRole")]:
        for rule in role["rules"]:
            found = powers & {*rule["resources"], *rule["verbs"], *rule["apiGroups"]}
            yield from (f"{name_of(role)} has {name}" for name in sorted(found))


@MANIFESTS.rule(
    "Deployment",
    source=f"{_AUTOSCALER}/config/flags/flags.go#L121",
    broken=Environment([workload(grace=900)]),
)
def a_grace_period_is_within_the_autoscalers(environment: Environment) -> Iterator[str]:
    """When it removes a node, Cluster Autoscaler waits 600 s for its pods (`max-graceful-termination-sec`), and kills them then."""
    for each in workloads(environment.manifests):
        if each["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30) > 600:
            yield name_of(each)


@MANIFESTS.rule(
    "Deployment",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html",
    broken=Environment([workload(grace=300, pod={"tolerations": [{"key": "spot"}]})]),
)
def a_pod_on_spot_ends_within_the_notice(environment: Environment) -> Iterator[str]:
    """A spot instance warns two minutes before it is taken."""
    for each in workloads(environment.manifests):
        spec = each["spec"]["template"]["spec"]
        on_spot = any(toleration.get("key") == "spot" for toleration in spec.get("tolerations", []))
        if on_spot and spec.get("terminationGracePeriodSeconds", 30) >= 120:
            yield name_of(each)


@MANIFESTS.rule(
    "PriorityClass",
    source=f"{_AUTOSCALER}/FAQ.md#how-does-cluster-autoscaler-work-with-pod-priority-and-preemption",
    broken=Environment(access=[manifest("PriorityClass", "background", value=-100)]),
)
def priorities_still_add_nodes(environment: Environment) -> Iterator[str]:
    """For a pod of a priority below -10 Cluster Autoscaler adds no node, and deletes a node that runs it."""
    for each in select(environment.access, "PriorityClass"):
        if each["value"] < -10:
            yield name_of(each)


@MANIFESTS.rule(
    "NetworkPolicy",
    source=f"{_EKS}/cni-network-policy.html#cni-network-policy-considerations",
    broken=Environment([manifest("Pod", "debug")]),
)
def no_pod_stands_alone(environment: Environment) -> Iterator[str]:
    """The VPC CNI enforces network policies only on pods that a controller owns."""
    yield from (name_of(each) for each in environment.manifests if each["kind"] == "Pod")


@MANIFESTS.rule(
    "NetworkPolicy",
    source=f"{_EKS}/best-practices/identity-and-access-management.html",
    broken=Environment(
        [manifest("NetworkPolicy", spec={"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}]})]
    ),
)
def no_pod_reaches_the_nodes_identity(environment: Environment) -> Iterator[str]:
    """A pod that reaches 169.254.169.254 can act as its node."""
    for policy in select(environment.manifests, "NetworkPolicy"):
        for peer in (peer for rule in policy["spec"].get("egress", []) for peer in rule.get("to", [{"ipBlock": {"cidr": "0.0.0.0/0"}}])):
            block = peer.get("ipBlock", {})
            if block.get("cidr") == "0.0.0.0/0" and "169.254.169.254/32" not in block.get("except", []):
                yield name_of(policy)


@MANIFESTS.rule(
    "ConfigMap",
    source=f"{_KUBERNETES}/concepts/configuration/configmap/#motivation",
    broken=Environment([manifest("ConfigMap", data={"large": "x" * 2**20})]),
)
def the_kept_manifests_fit_into_a_config_map(environment: Environment) -> Iterator[str]:
    """A ConfigMap holds at most 1 MiB. The deploy keeps a release's manifests in one, so together they are below a half of that."""
    size = sum(len(str(each)) for each in environment.manifests)
    if size > 2**19:
        yield f"{size} characters"


@MANIFESTS.rule(
    "ScaledObject",
    source="https://keda.sh/docs/2.20/reference/scaledobject-spec/#fallback",
    broken=Environment(
        [
            manifest(
                "ScaledObject",
                spec={"scaleTargetRef": {"name": "worker"}, "fallback": {}, "triggers": [{"type": "cpu", "metricType": "Utilization"}]},
            )
        ]
    ),
)
def a_fallback_counts_an_average(environment: Environment) -> Iterator[str]:
    """KEDA falls back for metrics of the type AverageValue, which is the default, and not for CPU and memory alone."""
    for scaler in select(environment.manifests, "ScaledObject"):
        triggers = scaler["spec"]["triggers"]
        others = [each for each in triggers if each["type"] not in {"cpu", "memory"}]
        measured = [each for each in others if each.get("metricType", "AverageValue") == "AverageValue"]
        if "fallback" in scaler["spec"] and not measured:
            yield name_of(scaler)


@MANIFESTS.rule(
    "ScaledObject",
    source="https://keda.sh/docs/2.20/concepts/admission-webhooks/",
    broken=Environment(
        [
            manifest("ScaledObject", "a", spec={"scaleTargetRef": {"name": "worker"}, "triggers": []}),
            manifest("HorizontalPodAutoscaler", "b", spec={"scaleTargetRef": {"name": "worker"}}),
        ]
    ),
)
def one_autoscaler_a_workload(environment: Environment) -> Iterator[str]:
    """KEDA makes an autoscaler of its own, and refuses a target that has one."""
    scalers = [*select(environment.manifests, "ScaledObject"), *select(environment.manifests, "HorizontalPodAutoscaler")]
    targets = [each["spec"]["scaleTargetRef"]["name"] for each in scalers]
    yield from sorted({name for name in targets if targets.count(name) > 1})


@MANIFESTS.rule(
    "Deployment",
    source=f"{_KUBERNETES}/concepts/security/pod-security-standards/#restricted",
    broken=Environment([workload(securityContext={"allowPrivilegeEscalation": False})]),
)
def pods_meet_the_restricted_standard(environment: Environment) -> Iterator[str]:
    """The namespace enforces `restricted`: another pod is refused when the Deployment makes it, not when it is applied."""
    for name, pod, container in containers(environment.manifests):
        own, context = container.get("securityContext", {}), pod.get("securityContext", {})
        met = (
            own.get("allowPrivilegeEscalation") is False
            and "ALL" in own.get("capabilities", {}).get("drop", [])
            and (own.get("runAsNonRoot") or context.get("runAsNonRoot")) is True
            and (own.get("seccompProfile") or context.get("seccompProfile") or {}).get("type") in {"RuntimeDefault", "Localhost"}
            and not {"hostPath"} & {key for volume in pod.get("volumes", []) for key in volume}
            and not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
        )
        if not met:
            yield name


@MANIFESTS.rule(
    "Deployment",
    source=f"{_KUBERNETES}/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy",
    broken=Environment([manifest("PodDisruptionBudget", spec={"maxUnavailable": 0})]),
)
def a_node_can_be_drained(environment: Environment) -> Iterator[str]:
    """A budget that allows no disruption, or counts pods that never become ready, stops every drain and node upgrade."""
    for budget in select(environment.manifests, "PodDisruptionBudget"):
        allows = str(budget["spec"].get("maxUnavailable", "")) not in {"", "0", "0%"} or "minAvailable" in budget["spec"]
        if not allows or budget["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield name_of(budget)
