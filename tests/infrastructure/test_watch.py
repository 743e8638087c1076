"""Alarms of row O2, the dashboard of row O5, and the budget and the monitor of row E5."""

import pytest

from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import Case, cases

PLATFORMS = [pytest.param(case, id=str(case)) for case in cases("platform")]
SERVICES = [pytest.param(case, id=str(case)) for case in cases("service")]


@pytest.mark.parametrize("case", PLATFORMS)
def test_nodes_are_watched(case: Case, plans: Planner) -> None:
    alarms = {alarm["metric_name"]: alarm for alarm in plans(case).of("aws_cloudwatch_metric_alarm")}
    found = {name: (alarm["threshold"], alarm["evaluation_periods"] * alarm["period"] // 60) for name, alarm in alarms.items()}
    assert found == {
        "cluster_failed_node_count": (1, 3),
        "node_cpu_utilization": (80, 15),
        "node_filesystem_utilization": (85, 5),
        "node_memory_utilization": (80, 15),
    }
    assert all(alarm.given("alarm_actions") for alarm in alarms.values())


@pytest.mark.parametrize("case", PLATFORMS)
def test_no_monitor_of_odd_spending_is_made_before_it_is_asked_for(case: Case, plans: Planner) -> None:
    """AWS refuses one until a person has opened Cost Explorer (https://docs.aws.amazon.com/cost-management/latest/userguide/ce-enable.html)."""
    plan = plans(case)
    assert not plan.of("aws_ce_anomaly_monitor")
    assert not plan.of("aws_ce_anomaly_subscription")
    assert plan.of("aws_budgets_budget")


@pytest.mark.parametrize("case", SERVICES)
def test_the_dashboard_shows_database_cache_and_pods(case: Case, plans: Planner) -> None:
    blocks = dict(plans(case).blocks())
    references = set(blocks["aws_cloudwatch_dashboard.this"]["expressions"]["dashboard_body"]["references"])
    assert {"local.dashboard_widgets", "local.alarm_arns"} <= references
