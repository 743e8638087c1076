"""Alarms of rows O2 and O3, the dashboard of row O5, and the budget and the monitor of row E5."""

import json
import re
from typing import Any

import pytest

from tests.harness import Renderer
from tests.infrastructure.terraform import Plan, Planner, Resource
from tests.infrastructure.variants import EVERYTHING, Case, cases

PLATFORMS = [pytest.param(case, id=str(case)) for case in cases("platform")]
SERVICES = [pytest.param(case, id=str(case)) for case in cases("service")]
BOTH = [*PLATFORMS, *SERVICES]


def alarms(plan: Plan) -> dict[str, Resource]:
    """Every alarm on metrics by its name, without the names of service and environment."""
    prefix = f"{plan.case.variant}-{plan.case.environment}-"
    return {alarm["alarm_name"].removeprefix(prefix): alarm for alarm in plan.of("aws_cloudwatch_metric_alarm")}


def composites(plan: Plan) -> dict[str, Resource]:
    """Every composite alarm by its name, without the names of service and environment."""
    prefix = f"{plan.case.variant}-{plan.case.environment}-"
    return {alarm["alarm_name"].removeprefix(prefix): alarm for alarm in plan.of("aws_cloudwatch_composite_alarm")}


def watched(alarm: Resource) -> list[tuple[str, str, str]]:
    """Namespace, metric and statistic of everything that an alarm reads."""
    if alarm["metric_name"]:
        return [(alarm["namespace"], alarm["metric_name"], alarm["statistic"])]
    queries = [query["metric"][0] for query in alarm["metric_query"] if query["metric"]]
    return sorted((query["namespace"], query["metric_name"], query["stat"]) for query in queries)


def minutes(alarm: Resource) -> tuple[int, int]:
    """Minutes that count, and minutes that are looked at: M of N, times the period."""
    seconds = alarm["period"] or next(query["metric"][0]["period"] for query in alarm["metric_query"] if query["metric"])
    return alarm["datapoints_to_alarm"] * seconds // 60, alarm["evaluation_periods"] * seconds // 60


@pytest.mark.parametrize("case", PLATFORMS)
def test_nodes_are_watched_as_row_o2_says(case: Case, plans: Planner) -> None:
    found = {name: (*watched(alarm)[0][1:], alarm["threshold"], *minutes(alarm)) for name, alarm in alarms(plans(case)).items()}
    fewest = int(plans(case).document["variables"]["node_min"]["value"])
    assert found == {
        "nodes-failed": ("cluster_failed_node_count", "Maximum", 1, 3, 3),
        "nodes-not-ready": ("node_status_condition_ready", "Minimum", 1, 15, 15),
        "nodes-too-few": ("cluster_node_count", "Minimum", fewest, 15, 15),
        "nodes-cpu": ("node_cpu_utilization", "Average", 80, 15, 15),
        "nodes-memory": ("node_memory_utilization", "Average", 80, 15, 15),
        "nodes-disk": ("node_filesystem_utilization", "Maximum", 85, 5, 5),
        "nodes-silent": ("cluster_node_count", "SampleCount", 1, 10, 10),
    }


APPLICATION: dict[str, tuple[list[str], str, float, tuple[int, int]]] = {
    "errors": (
        ["http_requests_total Sum", "http_server_errors_total Sum"],
        "IF(requests >= 20, 100 * FILL(errors, 0) / requests, 0)",
        5,
        (5, 5),
    ),
    "slow-requests": (
        ["http_requests_total Sum", "http_slow_requests_total Sum"],
        "IF(requests >= 20, 100 * FILL(slow, 0) / requests, 0)",
        5,
        (5, 5),
    ),
    "dead-tasks": (["tasks_dead_total Sum"], "", 1, (5, 5)),
    "login-failures": (
        ["logins_failed_total Sum", "logins_succeeded_total Sum"],
        "IF(failed >= 20, 100 * failed / (failed + FILL(succeeded, 0)), 0)",
        20,
        (5, 5),
    ),
    "database-unreachable": (["database_connection_errors_total Sum"], "", 1, (3, 5)),
}
"""Rows O2 and O3: metrics with their statistics, expression, threshold, and minutes M of N."""


@pytest.mark.parametrize("case", SERVICES)
def test_the_application_is_watched_as_rows_o2_and_o3_say(case: Case, plans: Planner) -> None:
    found = alarms(plans(case))
    for name, (metrics, expression, threshold, window) in APPLICATION.items():
        alarm = found[name]
        assert [f"{metric} {statistic}" for _, metric, statistic in watched(alarm)] == metrics, name
        assert {namespace for namespace, _, _ in watched(alarm)} == {case.variant}, name
        assert "".join(query["expression"] or "" for query in alarm["metric_query"] or []) == expression, name
        assert (alarm["threshold"], minutes(alarm), alarm["treat_missing_data"]) == (threshold, window, "notBreaching"), name
        above = "GreaterThanThreshold" if name in {"errors", "slow-requests"} else "GreaterThanOrEqualToThreshold"
        assert alarm["comparison_operator"] == above, name


@pytest.mark.parametrize("case", SERVICES)
def test_database_and_cache_are_watched_as_row_o2_says(case: Case, plans: Planner) -> None:
    plan = plans(case)
    found, answers = alarms(plan), {name: variable["value"] for name, variable in plan.document["variables"].items()}
    wanted = {
        "database-cpu": ("CPUUtilization", "GreaterThanThreshold", 80, 15),
        "database-connections": ("DatabaseConnections", "GreaterThanThreshold", answers["db_max_connections"] * 8 // 10, 5),
        "database-memory": ("FreeableMemory", "LessThanThreshold", answers["db_memory_mib"] * 2**20 // 5, 15),
        "database-storage": ("FreeStorageSpace", "LessThanThreshold", answers["db_storage_gb"] * 2**30 * 15 // 100, 5),
    }
    nodes = [group["replication_group_id"] for group in plan.of("aws_elasticache_replication_group")]
    for group in nodes:
        evicts = group.endswith("-lru")
        for number in range(1, answers["cache_replicas"] + 2):
            wanted[f"cache-{group}-{number:03d}-cpu"] = ("EngineCPUUtilization", "GreaterThanThreshold", 80, 15)
            if not evicts:
                wanted[f"cache-{group}-{number:03d}-memory"] = ("DatabaseMemoryUsagePercentage", "GreaterThanThreshold", 80, 15)
    shown = {
        name: (watched(found[name])[0][1], found[name]["comparison_operator"], found[name]["threshold"], minutes(found[name])[0])
        for name in wanted
    }
    assert shown == wanted


@pytest.mark.parametrize("case", SERVICES)
def test_a_full_cache_is_alarming_only_where_it_refuses_writes(case: Case, plans: Planner) -> None:
    found = alarms(plans(case))
    memory = {name for name in found if name.endswith("-memory") and name.startswith("cache-")}
    evictions = {name for name in found if name.endswith("-evictions")}
    assert memory
    assert not [name for name in memory if "-lru-" in name]
    assert all("-lru-" in name for name in evictions)
    assert bool(evictions) == (plans(case).document["variables"]["cache_groups"]["value"] == "two")


@pytest.mark.parametrize("case", BOTH)
def test_every_alarm_reaches_somebody_once(case: Case, plans: Planner) -> None:
    """By a message of its own, or as part of a composite alarm that sends one."""
    plan = plans(case)
    parts = {part for alarm in composites(plan).values() for part in re.findall(r'ALARM\("([^"]+)"\)', alarm["alarm_rule"])}
    names = {alarm["alarm_name"]: alarm.given("alarm_actions") for alarm in alarms(plan).values()}
    assert parts <= set(names)
    assert {name: has for name, has in names.items() if has == (name in parts)} == {}
    assert all(alarm.given("alarm_actions") and alarm.given("ok_actions") for alarm in composites(plan).values())


@pytest.mark.parametrize("case", BOTH)
def test_a_message_says_how_bad_it_is_whose_it_is_and_what_to_read(case: Case, plans: Planner) -> None:
    plan = plans(case)
    url = "https://github.com/your-github-owner/" + re.escape(case.variant) + "/blob/main/docs/runbooks/(alarms/)?[a-z-]+[.]md"
    pattern = rf"\[(critical|business)\] .+\. Owner: payments \(owner@example\.com\)\. Runbook: {url}"
    every = [*alarms(plan).values(), *composites(plan).values()]
    assert [alarm.address for alarm in every if not re.fullmatch(pattern, alarm["alarm_description"])] == []
    business = {name for name, alarm in {**alarms(plan), **composites(plan)}.items() if alarm["alarm_description"].startswith("[business]")}
    assert not business & {"database-unreachable", "database-cpu", "silent", "api-down", "cache", "backup", "nodes", "nodes-failed"}
    if case.root == "service":
        assert {"errors", "slow-requests", "dead-tasks", "login-failures", "users", "tasks"} <= business


HEARTBEATS = {"api-down", "backup", "nodes-silent", "silent", "worker-down"}


@pytest.mark.parametrize("case", BOTH)
def test_what_stops_is_noticed_and_what_has_not_begun_is_not(case: Case, plans: Planner) -> None:
    """A new alarm starts in INSUFFICIENT_DATA and acts on changes alone, so a heartbeat without its first data point is quiet."""
    found = alarms(plans(case))
    beats = {name for name, alarm in found.items() if alarm.given("insufficient_data_actions")}
    assert beats == HEARTBEATS & set(found)
    assert beats
    assert {found[name]["treat_missing_data"] for name in beats} == {"missing"}
    breaching = {name for name, alarm in found.items() if alarm["treat_missing_data"] == "breaching"}
    assert breaching <= {"pods"}, "only the alarm that Route 53 follows"


@pytest.mark.parametrize("case", SERVICES)
def test_objectives_have_an_alarm_for_a_fast_and_a_slow_burn(case: Case, plans: Planner) -> None:
    """Windows and rates of https://sre.google/workbook/alerting-on-slos/, table 5-8."""
    plan = plans(case)
    found, objectives = alarms(plan), plan.document["variables"]["objectives"]["value"]
    for name in ("availability", "latency"):
        budget = 100 - objectives[f"{name}_percent"]
        for window, rate, length in (("fast-1h", 14.4, 60), ("fast-5m", 14.4, 5), ("slow-6h", 6, 360), ("slow-30m", 6, 30)):
            alarm = found[f"{name}-{window}"]
            assert minutes(alarm) == (length, length)
            assert alarm["threshold"] == pytest.approx(budget * rate, rel=1e-3)
    rules = {name: alarm["alarm_rule"].replace(f"{case.variant}-{case.environment}-", "") for name, alarm in composites(plan).items()}
    assert '(ALARM("availability-fast-1h") AND ALARM("availability-fast-5m"))' in rules["users"]
    assert '(ALARM("latency-slow-6h") AND ALARM("latency-slow-30m"))' in rules["error-budget"]


def test_the_answered_objectives_are_those_of_production(render: Renderer) -> None:
    """Environments before it have no standby, and promise no more than it does."""
    for answers, before in (
        ({"availability_objective": "99.95", "latency_objective": "99.9"}, ("99.5", "99")),
        ({"availability_objective": "99", "latency_objective": "95"}, ("99", "95")),
    ):
        folder = render(answers) / "infra/environments"
        found = {
            environment: re.findall(
                r"^objectives = \{ availability_percent = ([\d.]+), latency_percent = ([\d.]+) \}$",
                (folder / f"{environment}.service.tfvars").read_text(encoding="utf-8"),
                re.MULTILINE,
            )
            for environment in ("dev", "production")
        }
        assert found == {"dev": [before], "production": [tuple(answers.values())]}


@pytest.mark.parametrize("case", SERVICES)
def test_a_lost_database_silences_what_follows_from_it(case: Case, plans: Planner) -> None:
    plan = plans(case)
    suppressors = {name: [each["alarm"] for each in alarm["actions_suppressor"]] for name, alarm in composites(plan).items()}
    cause = f"{case.variant}-{case.environment}-database-unreachable"
    assert suppressors == {"users": [cause], "error-budget": [cause], "tasks": [cause], "cache": []}


def test_a_threshold_is_overridden_in_one_line(plans: Planner) -> None:
    case = Case("startup", "service", "production")
    changed = alarms(plans.with_answers(case, "alarm_thresholds={errors_percent=2,fewest_requests=50}"))
    same = alarms(plans(case))
    assert changed["errors"]["threshold"] == 2
    assert "requests >= 50" in str(changed["errors"]["metric_query"])
    assert {name for name in same if same[name]["threshold"] != changed[name]["threshold"]} == {"errors"}


@pytest.mark.parametrize(
    "case",
    [Case("sandbox", "platform", "dev"), Case("sandbox", "service", "dev"), Case(EVERYTHING, "service", "dev")],
    ids=str,
)
def test_every_alarm_pauses_in_the_off_hours(case: Case, plans: Planner) -> None:
    plan = plans(case)
    schedules = {schedule["name"]: schedule for schedule in plan.of("aws_scheduler_schedule")}
    for call in ("disableAlarmActions", "enableAlarmActions"):
        paused = set(json.loads(schedules[call]["target"][0]["input"])["AlarmNames"])
        assert paused == {alarm["alarm_name"] for alarm in [*alarms(plan).values(), *composites(plan).values()]}


def test_options_bring_their_alarms(plans: Planner) -> None:
    everything, plain = (alarms(plans(Case(variant, "service", "production"))) for variant in (EVERYTHING, "startup"))
    assert {"canary-stuck", "certificate", "dr-replica-lag", "read-replica-lag"} == {
        name for name in set(everything) - set(plain) if not name.startswith("cache-")
    }
    certificate = everything["certificate"]
    assert (certificate["metric_name"], certificate["threshold"], certificate["treat_missing_data"]) == ("DaysToExpiry", 21, "ignore")


def test_a_finished_backup_is_counted(plans: Planner) -> None:
    """Of the metrics that EventBridge sends for a match, TriggeredRules alone has the dimension RuleName; MatchedEvents has none.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html, and awsdocs/amazon-eventbridge-user-guide at 2657d71.
    """
    plan = plans(Case("startup", "service", "production"))
    assert watched(alarms(plan)["backup"]) == [("AWS/Events", "TriggeredRules", "Sum")]
    assert alarms(plan)["backup"]["dimensions"] == {"RuleName": plan.one("aws_cloudwatch_event_rule")["name"]}
    pattern: dict[str, Any] = json.loads(plan.one("aws_cloudwatch_event_rule")["event_pattern"])
    assert pattern["detail"] == {"EventID": ["RDS-EVENT-0002"], "SourceIdentifier": ["startup-production"]}
    assert minutes(alarms(plan)["backup"]) == (26 * 60, 26 * 60)


@pytest.mark.parametrize("case", PLATFORMS)
def test_no_monitor_of_odd_spending_is_made_before_it_is_asked_for(case: Case, plans: Planner) -> None:
    """AWS refuses one until a person has opened Cost Explorer (https://docs.aws.amazon.com/cost-management/latest/userguide/ce-enable.html)."""
    plan = plans(case)
    assert not plan.of("aws_ce_anomaly_monitor")
    assert not plan.of("aws_ce_anomaly_subscription")
    assert plan.of("aws_budgets_budget")


@pytest.mark.parametrize("case", BOTH)
def test_a_dashboard_shows_every_alarm_and_every_part_at_a_glance(case: Case, plans: Planner) -> None:
    plan = plans(case)
    widgets = json.loads(plan.one("aws_cloudwatch_dashboard")["dashboard_body"])["widgets"]
    shown = {arn.rpartition(":alarm:")[2] for arn in widgets[0]["properties"]["alarms"]}
    assert shown == {alarm["alarm_name"] for alarm in [*alarms(plan).values(), *composites(plan).values()]}
    headings = [widget["properties"]["markdown"] for widget in widgets if widget["type"] == "text" and "title" not in widget["properties"]]
    parts = {"platform": ["Nodes", "Cost"], "service": ["Users", "Service", "Worker", "Data", "Cost"]}
    assert headings == [f"## {part}" for part in parts[case.root]]


@pytest.mark.parametrize("case", BOTH)
def test_widgets_fill_the_grid_and_do_not_overlap(case: Case, plans: Planner) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in json.loads(plans(case).one("aws_cloudwatch_dashboard")["dashboard_body"])["widgets"]:
        cells = {
            (x, y) for x in range(widget["x"], widget["x"] + widget["width"]) for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget["properties"]
        taken |= cells
    assert {x for x, _ in taken} == set(range(24))
    assert {y for _, y in taken} == set(range(max(y for _, y in taken) + 1))
