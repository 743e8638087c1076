"""Rules of the charts that run once a cluster, over `deploy/addons`: defaults that change pods or open doors."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.harness import ROOT
from tests.rules.registry import Registry

VERSIONS: Mapping[str, str] = yaml.safe_load((ROOT / "extensions/catalogue/versions.yaml").read_text(encoding="utf-8"))
_CONTROLLER = "https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.5.0/helm/aws-load-balancer-controller"
_DNS = "https://github.com/kubernetes-sigs/external-dns/blob/v0.21.0"
_AUTOSCALER = "https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.35.2/cluster-autoscaler"
_SECRETS = "https://github.com/external-secrets/external-secrets/blob/v2.8.0/deploy/charts/external-secrets"


@dataclass(frozen=True)
class Charts:
    """Rows of `addons.yaml` and the values of each chart, by its name."""

    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, name: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Row and values of one chart, where it is installed."""
        if name in self.values:
            yield self.rows.get(name, {}), self.values[name]

    @property
    def kinds(self) -> set[str]:
        """Charts that are installed."""
        return set(self.values)


CHARTS: Registry[Charts] = Registry()


_WHOLE: tuple[str, ...] = ()


@CHARTS.rule(
    "external-dns",
    source=f"{_DNS}/registry/mapper/mapper.go#L76",
    broken=Charts(values={"external-dns": {"registry": "txt"}}),
)
def ownership_records_stay_inside_the_zone(charts: Charts) -> Iterator[str]:
    """A host that is its zone's apex has the ownership record `a-<host>`, outside the zone, unless a label ends before the host."""
    for _, values in charts.of("external-dns"):
        prefix = values.get("txtPrefix", "")
        if "%{record_type}" not in prefix or not prefix.endswith(".") or "txtSuffix" in values:
            yield f"txtPrefix {prefix!r}"


@CHARTS.rule(
    "external-dns",
    source=f"{_DNS}/docs/registry/txt.md",
    broken=Charts(values={"external-dns": {"policy": "sync"}}),
)
def records_are_deleted_by_their_owner_alone(charts: Charts) -> Iterator[str]:
    """With the policy `sync` everything without a foreign owner is deleted: each cluster has an owner's name of its own."""
    for row, values in charts.of("external-dns"):
        if values.get("policy") == "sync" and "txtOwnerId" not in {*row.get("facts", {}), *values}:
            yield "txtOwnerId is not set"


@CHARTS.rule(
    "cluster-autoscaler",
    source=f"{_AUTOSCALER}/FAQ.md#what-types-of-pods-can-prevent-ca-from-removing-a-node",
    broken=Charts(values={"cluster-autoscaler": {"extraArgs": {}}}),
)
def pods_with_a_scratch_volume_do_not_keep_a_node(charts: Charts) -> Iterator[str]:
    """By default one pod with an emptyDir, or one of kube-system without a budget, keeps its node indefinitely (flags.go, line 199)."""
    for _, values in charts.of("cluster-autoscaler"):
        for flag in ("skip-nodes-with-local-storage", "skip-nodes-with-system-pods"):
            if values["extraArgs"].get(flag) != "false":
                yield flag


@CHARTS.rule(
    "cluster-autoscaler",
    source="https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.35.2/cluster-autoscaler/README.md#releases",
    broken=Charts(values={"cluster-autoscaler": {"image": {"tag": "v1.30.0"}}}),
)
def the_autoscaler_is_of_the_clusters_minor_version(charts: Charts) -> Iterator[str]:
    """It simulates the scheduler of its own minor version."""
    for _, values in charts.of("cluster-autoscaler"):
        tag = values.get("image", {}).get("tag", "")
        if not tag.startswith(f"v{VERSIONS['kubernetes']}."):
            yield f"{tag} on {VERSIONS['kubernetes']}"


@CHARTS.rule(
    "cluster-autoscaler",
    source="https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-chart-9.59.0/cluster-autoscaler/charts/cluster-autoscaler/"
    "templates/priority-expander-configmap.yaml",
    broken=Charts(values={"cluster-autoscaler": {"extraArgs": {"expander": "priority"}}}),
)
def the_priority_expander_has_its_list(charts: Charts) -> Iterator[str]:
    """Without its ConfigMap the expander `priority` chooses at random; without the expander the list is not rendered."""
    for _, values in charts.of("cluster-autoscaler"):
        if ("priority" in values["extraArgs"].get("expander", "").split(",")) != bool(values.get("expanderPriorities")):
            yield "expander and expanderPriorities"


@CHARTS.rule(
    "aws-load-balancer-controller",
    source=f"{_CONTROLLER}/templates/_helpers.tpl#L98",
    broken=Charts(values={"aws-load-balancer-controller": {}}),
)
def an_upgrade_keeps_the_webhooks_certificate(charts: Charts) -> Iterator[str]:
    """By default each `helm upgrade` makes a new authority, which running pods do not serve: the API server then refuses Ingresses."""
    for _, values in charts.of("aws-load-balancer-controller"):
        if values.get("keepTLSSecret") is not True:
            yield "keepTLSSecret"


@CHARTS.rule(
    "aws-load-balancer-controller",
    source=f"{_CONTROLLER}/values.yaml#L496",
    broken=Charts(values={"aws-load-balancer-controller": {"enableServiceMutatorWebhook": True}}),
)
def services_are_made_while_the_controller_is_down(charts: Charts) -> Iterator[str]:
    """By default its webhook, with the failure policy Fail, stands before every Service of the cluster."""
    for _, values in charts.of("aws-load-balancer-controller"):
        if values.get("enableServiceMutatorWebhook") is not False:
            yield "enableServiceMutatorWebhook"


@CHARTS.rule(
    "aws-load-balancer-controller",
    source="https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/#using-metadata-server-version-2-imdsv2",
    broken=Charts(values={"aws-load-balancer-controller": {}}),
)
def the_controller_asks_no_node_where_it_is(charts: Charts) -> Iterator[str]:
    """Nodes answer one hop alone, so region and VPC are given; and their pods get their names, or no Pod Identity."""
    for row, values in charts.of("aws-load-balancer-controller"):
        yield from sorted({"clusterName", "region", "vpcId"} - {*row.get("facts", {}), *values})


@CHARTS.rule(
    "external-secrets",
    source=f"{_SECRETS}/values.yaml",
    broken=Charts(values={"external-secrets": {}}),
)
def no_store_belongs_to_the_whole_cluster(charts: Charts) -> Iterator[str]:
    """A ClusterSecretStore serves every namespace, a ClusterExternalSecret writes into each, a PushSecret writes to Secrets Manager."""
    kinds = ("ClusterStore", "ClusterExternalSecret", "ClusterGenerator", "ClusterPushSecret", "PushSecret")
    for _, values in charts.of("external-secrets"):
        yield from (f"process{kind}" for kind in kinds if values.get(f"process{kind}") is not False)


@CHARTS.rule(
    "external-secrets",
    source=f"{_SECRETS}/templates/rbac.yaml",
    broken=Charts(values={"external-secrets": {}}),
)
def editors_of_a_namespace_make_no_store(charts: Charts) -> Iterator[str]:
    """By default the chart adds stores and generators to the roles `edit` and `admin`."""
    for _, values in charts.of("external-secrets"):
        yield from (f"aggregateTo{role}" for role in ("Edit", "Admin") if values.get("rbac", {}).get(f"aggregateTo{role}") is not False)


@CHARTS.rule(
    "keda",
    source="https://github.com/kedacore/charts/blob/v2.20.2/keda/templates/manager/clusterrole.yaml#L51",
    broken=Charts(values={"keda": {}}),
)
def keda_reads_no_secret_of_others(charts: Charts) -> Iterator[str]:
    """By default its operator lists every Secret of the cluster."""
    for _, values in charts.of("keda"):
        for part in ("operator", "metricServer"):
            if values.get("permissions", {}).get(part, {}).get("restrict", {}).get("secret") is not True:
                yield part


@CHARTS.rule(
    "aws-load-balancer-controller",
    "cluster-autoscaler",
    "external-dns",
    "external-secrets",
    "keda",
    source="https://helm.sh/docs/chart_best_practices/dependencies/#versions",
    broken=Charts(rows={"keda": {"version": "2.x"}}, values={"keda": {}}),
)
def charts_have_an_exact_version(charts: Charts) -> Iterator[str]:
    """A range, or none, installs what is newest that day."""
    for name in charts.values:
        version = str(charts.rows.get(name, {}).get("version", ""))
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            yield f"{name} {version}"


@CHARTS.rule(
    "aws-load-balancer-controller",
    "cluster-autoscaler",
    "external-dns",
    "external-secrets",
    "keda",
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/",
    broken=Charts(values={"external-dns": {}}),
)
def controllers_ask_for_what_they_take(charts: Charts) -> Iterator[str]:
    """Each of these charts leaves its resources empty or wide: a controller without a request is the first to be evicted."""
    parts: dict[str, list[tuple[str, ...]]] = {
        "external-secrets": [(), ("webhook",), ("certController",)],
        "keda": [("resources", "operator"), ("resources", "metricServer"), ("resources", "webhooks")],
    }
    for name, values in charts.values.items():
        for path in parts.get(name, [_WHOLE]):
            found: Any = values
            for key in path:
                found = found.get(key, {})
            resources = found if name == "keda" else found.get("resources", {})
            if {"cpu", "memory"} - set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
                yield ".".join([name, *path])
