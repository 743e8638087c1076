"""Rules of CloudWatch, over Terraform plans."""

import json
from collections.abc import Iterator

from tests.infrastructure.terraform import Plan
from tests.rules.plans import PLANS, planned

API = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference"
HOUR, DAY = 3600, 86_400


@PLANS.rule(
    "aws_cloudwatch_metric_alarm",
    source=f"{API}/API_PutMetricAlarm.html",
    broken=planned(("aws_cloudwatch_metric_alarm", {"period": 60, "evaluation_periods": 1441, "metric_query": []})),
)
def alarms_look_back_a_day_or_a_week(plan: Plan) -> Iterator[str]:
    """Period times evaluation periods is at most a day, or seven days with periods of an hour or more."""
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        periods = [metric["period"] for query in alarm["metric_query"] or [] for metric in query["metric"]]
        period = max(periods) if periods else alarm["period"]
        if period * alarm["evaluation_periods"] > (DAY if period < HOUR else 7 * DAY):
            yield alarm.address


@PLANS.rule(
    "aws_cloudwatch_metric_alarm",
    source=f"{API}/API_MetricStat.html",
    broken=planned(("aws_cloudwatch_metric_alarm", {"metric_query": [{"metric": [{"period": 60}]}, {"metric": [{"period": 300}]}]})),
)
def metrics_of_an_expression_have_one_period(plan: Plan) -> Iterator[str]:
    """An expression combines values by their time: metrics with other periods have values at other times."""
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        if len({metric["period"] for query in alarm["metric_query"] or [] for metric in query["metric"]}) > 1:
            yield alarm.address


@PLANS.rule(
    "aws_cloudwatch_composite_alarm",
    source=f"{API}/API_PutCompositeAlarm.html",
    broken=planned(
        ("aws_cloudwatch_composite_alarm", {"alarm_rule": 'ALARM("x")', "actions_suppressor": [{"alarm": "y", "wait_period": 60}]})
    ),
)
def composite_alarms_keep_their_limits(plan: Plan) -> Iterator[str]:
    """A rule has at most 10,240 characters and 100 alarms; a suppressor needs both of its periods."""
    for alarm in plan.of("aws_cloudwatch_composite_alarm"):
        rule = alarm["alarm_rule"] or ""
        suppressors = alarm["actions_suppressor"] or []
        if len(rule) > 10_240 or rule.count("ALARM(") > 100:
            yield alarm.address
        yield from (alarm.address for each in suppressors if not (each.get("wait_period") and each.get("extension_period")))


_CLUSTER = frozenset({("ClusterName",)})
_NODES = _CLUSTER | {("ClusterName", "InstanceId", "NodeName")}
_SERVICES = _CLUSTER | {("ClusterName", "Namespace", "Service")}
_PODS = _SERVICES | {("ClusterName", "Namespace", "PodName")}
_NAMESPACES = _PODS | {("ClusterName", "Namespace")}
CONTAINER_INSIGHTS = {
    "cluster_failed_node_count": _CLUSTER,
    "cluster_node_count": _CLUSTER,
    "node_cpu_reserved_capacity": _NODES,
    "node_cpu_utilization": _NODES,
    "node_diskio_io_service_bytes_total": _NODES,
    "node_filesystem_utilization": _NODES,
    "node_memory_reserved_capacity": _NODES,
    "node_memory_utilization": _NODES,
    "node_network_total_bytes": _NODES,
    "node_number_of_running_pods": _NODES,
    "node_status_condition_ready": _NODES,
    "pod_cpu_utilization": _NAMESPACES,
    "pod_memory_utilization": _NAMESPACES,
    "pod_network_rx_bytes": _NAMESPACES,
    "pod_network_tx_bytes": _NAMESPACES,
    "pod_number_of_container_restarts": _PODS,
    "service_number_of_running_pods": _SERVICES,
}
"""Metrics of enhanced Container Insights with the sets of dimensions that the agent writes; one of a pod's full name is left out."""
_RESTARTS = ["ContainerInsights", "pod_number_of_container_restarts", "ClusterName", "shop-dev", "Namespace", "shop"]


def _read(plan: Plan) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Place, namespace, name and dimensions of each metric that alarms and dashboards read."""
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        for metric in [alarm.values, *(metric for query in alarm["metric_query"] or [] for metric in query["metric"])]:
            if metric.get("metric_name"):
                yield alarm.address, metric["namespace"], metric["metric_name"], tuple(sorted(metric.get("dimensions") or {}))
    for dashboard in plan.of("aws_cloudwatch_dashboard"):
        for widget in json.loads(dashboard["dashboard_body"])["widgets"]:
            for row in widget["properties"].get("metrics", []):
                if words := [cell for cell in row if isinstance(cell, str)]:
                    yield widget["properties"]["title"], words[0], words[1], tuple(sorted(words[2::2]))


@PLANS.rule(
    "aws_cloudwatch_metric_alarm",
    "aws_cloudwatch_dashboard",
    source="https://github.com/aws/amazon-cloudwatch-agent/blob/v1.300070.0/translator/translate/otel/exporter/awsemf/kubernetes.go",
    broken=planned(
        (
            "aws_cloudwatch_dashboard",
            {"dashboard_body": json.dumps({"widgets": [{"properties": {"title": "Restarts", "metrics": [_RESTARTS]}}]})},
        )
    ),
)
def container_insights_measures_it_by_these_dimensions(plan: Plan) -> Iterator[str]:
    """A metric exists for the sets of dimensions that the agent declares, and for no other: CloudWatch adds nothing up.

    Pods behind two Services are counted for one of them, whichever comes first in a map: restarts are read by PodName, the Deployment.
    """
    for place, namespace, name, dimensions in _read(plan):
        if namespace == "ContainerInsights" and dimensions not in CONTAINER_INSIGHTS.get(name, ()):
            yield f"{place}: {name} by {', '.join(dimensions)}"
