"""Rules of Kubernetes, EKS and the controllers, over the manifests that a service gives to a cluster."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.kubernetes.overlays import Manifest, select
from tests.kubernetes.pods import containers, name_of, workloads
from tests.rules.registry import Registry

_GITHUB = "https://github.com"
_CONTROLLER = f"{_GITHUB}/kubernetes-sigs/aws-load-balancer-controller/blob/v3.5.0"
_SECRETS = f"{_GITHUB}/external-secrets/external-secrets/blob/v2.8.0"
_AUTOSCALER = f"{_GITHUB}/kubernetes/autoscaler/blob/cluster-autoscaler-1.35.2/cluster-autoscaler"
_KUBERNETES = "https://kubernetes.io/docs"
_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"


@dataclass(frozen=True)
class Environment:
    """The manifests of one environment: those of each release, and those that an administrator applies once."""

    manifests: list[Manifest] = field(default_factory=list)
    access: list[Manifest] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        """Kinds that are there."""
        return {manifest["kind"] for manifest in [*self.manifests, *self.access]}


MANIFESTS: Registry[Environment] = Registry()

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


def manifest(kind: str, name: str = "api", version: str = "v1", *, annotations: dict[str, str] | None = None, **parts: Any) -> Manifest:
    """A manifest of the fewest words: the broken examples."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "annotations": annotations or {}}, **parts}


def workload(kind: str = "Deployment", *, grace: int = 30, pod: dict[str, Any] | None = None, **container: Any) -> Manifest:
    """A workload of one container."""
    spec = {"terminationGracePeriodSeconds": grace, "containers": [{"name": "api", **container}], **(pod or {})}
    return manifest(kind, spec={"template": {"metadata": {"labels": {"app": "api"}}, "spec": spec}})


def _ingress(**annotations: str) -> Manifest:
    named = {f"alb.ingress.kubernetes.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    backend = {"service": {"name": "api", "port": {"name": "http"}}}
    rule = {"http": {"paths": [{"path": "/api", "backend": backend}]}}
    return manifest("Ingress", annotations=named, spec={"ingressClassName": "alb", "rules": [rule]})


def _annotations(ingress: Manifest) -> dict[str, str]:
    prefix = "alb.ingress.kubernetes.io/"
    return {key.removeprefix(prefix): value for key, value in ingress["metadata"]["annotations"].items() if key.startswith(prefix)}


def _ingresses(environment: Environment) -> Iterator[tuple[str, dict[str, str], Manifest]]:
    for ingress in select(environment.manifests, "Ingress"):
        yield name_of(ingress), _annotations(ingress), ingress


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
    """An object of a kind whose definition nothing installs is refused."""
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
    "Ingress",
    source=f"{_CONTROLLER}/docs/guide/ingress/cert_discovery.md",
    broken=Environment([_ingress(listen_ports='[{"HTTP": 80}, {"HTTPS": 443}]', certificate_arn="")]),
)
def https_has_a_certificate(environment: Environment) -> Iterator[str]:
    """Without a certificate's ARN the controller looks for one by the host; a listener that finds none fails the whole Ingress group."""
    for name, annotations, _ in _ingresses(environment):
        if '"HTTPS"' in annotations.get("listen-ports", "") and not annotations.get("certificate-arn"):
            yield f"{name} listens for HTTPS without a certificate"


@MANIFESTS.rule(
    "Ingress",
    source=f"{_CONTROLLER}/docs/guide/ingress/annotations.md#ssl-redirect",
    broken=Environment([_ingress(listen_ports='[{"HTTP": 80}]', ssl_redirect="443")]),
)
def a_redirect_leads_to_a_listener(environment: Environment) -> Iterator[str]:
    """`ssl-redirect` names a port that listens for HTTPS."""
    for name, annotations, _ in _ingresses(environment):
        port = annotations.get("ssl-redirect")
        if port and not re.search(rf'"HTTPS":\s*{port}\b', annotations.get("listen-ports", "")):
            yield f"{name} redirects to {port}"


@MANIFESTS.rule(
    "Ingress",
    source=f"{_CONTROLLER}/docs/guide/ingress/annotations.md#ssl-policy",
    broken=Environment([_ingress(listen_ports='[{"HTTPS": 443}]')]),
)
def https_names_its_policy(environment: Environment) -> Iterator[str]:
    """The controller's default is ELBSecurityPolicy-2016-08, which takes TLS 1.0."""
    for name, annotations, _ in _ingresses(environment):
        if '"HTTPS"' in annotations.get("listen-ports", "") and "TLS13" not in annotations.get("ssl-policy", ""):
            yield f"{name} takes old TLS"


@MANIFESTS.rule(
    "Ingress",
    source=f"{_CONTROLLER}/pkg/ingress/group_loader.go#L29",
    broken=Environment([_ingress(**{"group.name": "Shop"})]),
)
def group_names_are_valid(environment: Environment) -> Iterator[str]:
    """At most 63 lower-case letters, digits, dots and hyphens; another name fails the Ingress."""
    for name, annotations, _ in _ingresses(environment):
        group = annotations.get("group.name", "")
        if group and (len(group) > 63 or not re.fullmatch(r"([a-z0-9][-a-z0-9.]*)?[a-z0-9]", group)):
            yield f"{name} is of the group {group}"


@MANIFESTS.rule(
    "Ingress",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html",
    broken=Environment([_ingress(healthcheck_interval_seconds="5", healthcheck_timeout_seconds="5")]),
)
def health_checks_are_within_their_bounds(environment: Environment) -> Iterator[str]:
    """Interval 5 to 300 s, time-out 2 to 120 s and below the interval, thresholds 2 to 10; anything else is refused."""
    for name, annotations, _ in _ingresses(environment):
        interval = int(annotations.get("healthcheck-interval-seconds", 15))
        wait = int(annotations.get("healthcheck-timeout-seconds", 5))
        if not (5 <= interval <= 300 and 2 <= wait <= 120 and wait < interval):
            yield f"{name} checks every {interval} s and waits {wait} s"
        for kind in ("healthy", "unhealthy"):
            if not 2 <= int(annotations.get(f"{kind}-threshold-count", 2)) <= 10:
                yield f"{name}: {kind} threshold"


@MANIFESTS.rule(
    "Ingress",
    source=f"{_CONTROLLER}/docs/deploy/pod_readiness_gate.md#configuration",
    broken=Environment([_ingress(target_type="instance"), manifest("Namespace", "shop", metadata={"name": "shop", "labels": {}})]),
)
def pods_get_a_readiness_gate(environment: Environment) -> Iterator[str]:
    """A gate is only injected for targets by IP, in a namespace with the label; without it a rollout ends before targets are healthy."""
    for name, annotations, _ in _ingresses(environment):
        if annotations.get("target-type") != "ip":
            yield f"{name} has targets of another type"
    for namespace in select(environment.manifests, "Namespace"):
        if namespace["metadata"].get("labels", {}).get("elbv2.k8s.aws/pod-readiness-gate-inject") != "enabled":
            yield f"{name_of(namespace)} has no label"


@MANIFESTS.rule(
    "Ingress",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#load-balancer-subnets",
    broken=Environment([_ingress(subnets="subnet-1")]),
)
def a_load_balancer_has_two_subnets(environment: Environment) -> Iterator[str]:
    """An application load balancer takes subnets of at least two zones."""
    for name, annotations, _ in _ingresses(environment):
        if "subnets" in annotations and len(set(annotations["subnets"].split(","))) < 2:
            yield f"{name} has one subnet"


@MANIFESTS.rule(
    "Ingress",
    source=f"{_CONTROLLER}/docs/guide/ingress/annotations.md#manage-backend-security-group-rules",
    broken=Environment([_ingress(manage_backend_security_group_rules="false")]),
)
def rules_of_security_groups_belong_to_named_groups(environment: Environment) -> Iterator[str]:
    """`manage-backend-security-group-rules` counts only beside `security-groups`; alone it is refused."""
    for name, annotations, _ in _ingresses(environment):
        if "manage-backend-security-group-rules" in annotations and not annotations.get("security-groups"):
            yield f"{name} names no security group"


@MANIFESTS.rule(
    "Ingress",
    source="https://kubernetes-sigs.github.io/external-dns/latest/docs/tutorials/aws/#routing-policies",
    broken=Environment([manifest("Ingress", annotations={"external-dns.alpha.kubernetes.io/aws-failover": "PRIMARY"})]),
)
def a_routing_policy_has_an_identifier(environment: Environment) -> Iterator[str]:
    """Route 53 refuses a record with a routing policy and no set identifier, and the reverse."""
    prefix = "external-dns.alpha.kubernetes.io/"
    for ingress in select(environment.manifests, "Ingress"):
        names = {key.removeprefix(prefix) for key in ingress["metadata"]["annotations"] if key.startswith(prefix)}
        if ("aws-failover" in names) != ("set-identifier" in names):
            yield f"{name_of(ingress)} has one without the other"


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
    "Service",
    source=f"{_EKS}/cni-network-policy.html#cni-network-policy-considerations",
    broken=Environment(
        [manifest("Service", spec={"clusterIP": "None", "selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": 8000}]})]
    ),
)
def services_inside_the_cluster_keep_their_port(environment: Environment) -> Iterator[str]:
    """Under the VPC CNI's network policies a Service's port is its pods' port. Targets by IP leave the Service out."""
    behind = {
        path["backend"]["service"]["name"].removesuffix("-weighted")
        for ingress in select(environment.manifests, "Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    }
    ports = {
        port["name"]: port["containerPort"] for _, _, container in containers(environment.manifests) for port in container.get("ports", [])
    }
    for service in select(environment.manifests, "Service"):
        name = service["metadata"]["name"]
        if name in behind or name.removesuffix("-canary") in behind:
            continue
        for port in service["spec"].get("ports", []):
            target = port.get("targetPort", port["port"])
            if ports.get(target, target) != port["port"]:
                yield f"{name_of(service)} sends {port['port']} to {target}"


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
