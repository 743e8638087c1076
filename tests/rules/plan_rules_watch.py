"""Rules of CloudWatch, over Terraform plans."""

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
