"""Budgets: who is told, and tags. Cost Explorer: monitors of anomalies and who is told of them."""

import json
from typing import Any

from moto.budgets.responses import BudgetsResponse
from moto.ce.responses import CostExplorerResponse

from tests.infrastructure.cloud.additions import adds_to, held, identifier

_create_budget, _create_notification = BudgetsResponse.create_budget, BudgetsResponse.create_notification


def _notification(response: Any, details: dict[str, Any], budget: str) -> tuple[dict[str, Any], str]:
    parts = (details["NotificationType"], details["ComparisonOperator"], float(details["Threshold"]), details.get("ThresholdType"))
    return held(response.backend, "subscribers"), f"{budget} {parts}"


@adds_to(BudgetsResponse)
def create_budget(self: Any) -> Any:
    answer, name = _create_budget(self), self._get_param("Budget")["BudgetName"]
    held(self.backend, "tags")[name] = self._get_param("ResourceTags") or []
    for each in self._get_param("NotificationsWithSubscribers") or []:
        subscribers, key = _notification(self, each["Notification"], name)
        subscribers[key] = each["Subscribers"]
    return answer


@adds_to(BudgetsResponse)
def create_notification(self: Any) -> Any:
    answer = _create_notification(self)
    subscribers, key = _notification(self, self._get_param("Notification"), self._get_param("BudgetName"))
    subscribers[key] = self._get_param("Subscribers")
    return answer


@adds_to(BudgetsResponse)
def describe_subscribers_for_notification(self: Any) -> str:
    subscribers, key = _notification(self, self._get_param("Notification"), self._get_param("BudgetName"))
    return json.dumps({"Subscribers": subscribers.get(key, [])})


@adds_to(BudgetsResponse)
def list_tags_for_resource(self: Any) -> str:
    return json.dumps({"ResourceTags": held(self.backend, "tags").get(self._get_param("ResourceARN").rsplit("/")[-1], [])})


def _create(response: Any, kind: str, given: str, key: str) -> str:
    arn = f"arn:aws:ce::{response.current_account}:{kind}/{identifier()}"
    held(response.ce_backend, kind)[arn] = {**response._get_param(given), key: arn}
    response.ce_backend.tagger.tag_resource(arn, response._get_param("ResourceTags") or [])
    return json.dumps({key: arn})


def _list(response: Any, kind: str, arns: list[str] | None) -> list[dict[str, Any]]:
    return [thing for arn, thing in held(response.ce_backend, kind).items() if not arns or arn in arns]


def _delete(response: Any, kind: str, key: str) -> str:
    held(response.ce_backend, kind).pop(response._get_param(key), None)
    return json.dumps({})


@adds_to(CostExplorerResponse)
def create_anomaly_monitor(self: Any) -> str:
    return _create(self, "anomalymonitor", "AnomalyMonitor", "MonitorArn")


@adds_to(CostExplorerResponse)
def get_anomaly_monitors(self: Any) -> str:
    return json.dumps({"AnomalyMonitors": _list(self, "anomalymonitor", self._get_param("MonitorArnList"))})


@adds_to(CostExplorerResponse)
def delete_anomaly_monitor(self: Any) -> str:
    return _delete(self, "anomalymonitor", "MonitorArn")


@adds_to(CostExplorerResponse)
def create_anomaly_subscription(self: Any) -> str:
    return _create(self, "anomalysubscription", "AnomalySubscription", "SubscriptionArn")


@adds_to(CostExplorerResponse)
def get_anomaly_subscriptions(self: Any) -> str:
    return json.dumps({"AnomalySubscriptions": _list(self, "anomalysubscription", self._get_param("SubscriptionArnList"))})


@adds_to(CostExplorerResponse)
def delete_anomaly_subscription(self: Any) -> str:
    return _delete(self, "anomalysubscription", "SubscriptionArn")
