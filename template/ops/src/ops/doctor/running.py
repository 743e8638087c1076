"""Checks of a running environment: pods, targets, alarms. They run only if there is a contract."""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.alarms import Alarm, State
from ops.aws import tags_of
from ops.contract import Contract
from ops.doctor.context import Context
from ops.doctor.finding import Finding, error, warning
from ops.history import History


def reachable(context: Context) -> Iterator[Finding]:
    """Yield a finding if the cluster does not answer. The checks after it are then skipped."""
    if context.cluster_problem:
        remedy = "Are you in api_public_cidrs and cluster_admin_role_arns?"
        yield error("cluster", f"it does not answer: {context.cluster_problem}", remedy, "cluster")


def pods(context: Context) -> Iterator[Finding]:
    """Yield each pod that does not run, with its reason."""
    if context.cluster is None or context.cluster_problem:
        return
    for pod in context.cluster.items("pods"):
        if pod.get("status", {}).get("phase") != "Succeeded" and (reason := _trouble(pod)):
            name = pod["metadata"]["name"]
            remedy = f"kubectl --kubeconfig .deploy/{context.environment}.kubeconfig.json describe pod {name}"
            yield error("pods", f"{name} is not ready: {reason}", remedy, "when-something-is-wrong")


def _trouble(pod: Mapping[str, Any]) -> str:
    """Why a pod is not ready; empty when it is."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    for status in statuses:
        waiting = status.get("state", {}).get("waiting")
        if waiting:
            return str(waiting.get("reason", "waiting"))
    conditions = {c["type"]: c for c in pod.get("status", {}).get("conditions", [])}
    ready = conditions.get("Ready", {"status": "False", "reason": pod.get("status", {}).get("phase", "Unknown")})
    return "" if ready["status"] == "True" else str(ready.get("reason", "not ready"))


def release(context: Context) -> Iterator[Finding]:
    """Yield a finding if the environment is ready but no release has come up yet."""
    if context.cluster is None or context.cluster_problem:
        return
    if not context.cluster.exists("namespace", context.service):
        return
    if not History(context.cluster).has_arrived():
        remedy = f"Push to main, or: uv run ops up {context.environment}"
        yield error("release", "no release has come up yet", remedy, "the-first-release")


def targets(context: Context) -> Iterator[Finding]:
    """Yield each target of the load balancer that is not healthy, with the load balancer's reason."""
    if context.contract is None:
        return
    elb = context.aws("elbv2")
    for group in _target_groups(context.contract, elb):
        health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        bad = [h for h in health if h["TargetHealth"]["State"] not in ("healthy", "draining", "unused", "initial")]
        for each in bad:
            reason = each["TargetHealth"].get("Reason") or each["TargetHealth"]["State"]
            problem = f"the load balancer holds {each['Target']['Id']} for unhealthy: {reason}"
            yield error("targets", problem, "Read the pod's log and its probe", "when-something-is-wrong")


def _target_groups(contract: Contract, elb: Any) -> Iterator[str]:
    """ARNs of the target groups that the cluster's controller made for this namespace.

    The load balancer itself carries the name of its group alone: services of one platform share it.
    """
    pages = elb.get_paginator("describe_target_groups").paginate()
    for arn, tags in tags_of(elb, [group["TargetGroupArn"] for page in pages for group in page["TargetGroups"]]):
        here = tags.get("elbv2.k8s.aws/cluster") == contract.cluster_name
        if here and tags.get("ingress.k8s.aws/resource", "").startswith(f"{contract.namespace}/"):
            yield arn


def subscribers(context: Context) -> Iterator[Finding]:
    """Yield topics of alarms without subscribers, and unconfirmed subscriptions."""
    sns = context.aws("sns")
    topics = {action for alarm in _alarms(context) for action in alarm["AlarmActions"] if ":sns:" in action}
    for topic in sorted(topics):
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        name = topic.rpartition(":")[2]
        if not found:
            remedy = f"Set alert_email, then: uv run ops apply {context.environment}"
            yield warning("alarms", f"nobody subscribes to {name}", remedy, "alarms")
        for each in found:
            if "arn:" not in each["SubscriptionArn"]:
                remedy = "Open the email message of AWS and confirm"
                yield warning(
                    "alarms", f"{each['Endpoint']} has not confirmed its subscription to {name}", remedy, "alarms"
                )


def firing(context: Context) -> Iterator[Finding]:
    """Yield each alarm that is firing."""
    for alarm in map(Alarm.parse, _alarms(context)):
        if alarm.state is State.FIRING:
            summary = f": {alarm.summary}" if alarm.summary else ""
            yield warning(
                "alarms", f"{alarm.name} is firing{summary}", f"Read {alarm.runbook}", "when-something-is-wrong"
            )


def _alarms(context: Context) -> Iterator[dict[str, Any]]:
    paginator = context.aws("cloudwatch").get_paginator("describe_alarms")
    pages = paginator.paginate(AlarmNamePrefix=f"{context.name}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    for page in pages:
        yield from (*page.get("CompositeAlarms", []), *page["MetricAlarms"])
