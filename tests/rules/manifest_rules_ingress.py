"""Rules of the load balancer's controller and of external-dns, over Ingresses."""

import re
from collections.abc import Iterator

from tests.kubernetes.overlays import Manifest, select
from tests.kubernetes.pods import containers, name_of
from tests.rules.manifests import MANIFESTS, Environment, manifest

_GITHUB = "https://github.com"
_CONTROLLER = f"{_GITHUB}/kubernetes-sigs/aws-load-balancer-controller/blob/v3.5.0"
_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"


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
