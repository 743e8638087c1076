# CloudWatch alarms and composite alarms. The description of each names its severity, owner and runbook.

locals {
  every = merge(
    { for name, alarm in var.alarms : name => { severity = alarm.severity, summary = alarm.summary, runbook = coalesce(alarm.runbook, name) } },
    { for name, alarm in var.composites : name => { severity = alarm.severity, summary = alarm.summary, runbook = coalesce(alarm.runbook, name) } },
  )

  descriptions = {
    for name, alarm in local.every : name => "[${alarm.severity}] ${alarm.summary}. Owner: ${var.owner}. Runbook: ${var.runbooks_url}/alarms/${alarm.runbook}.md"
  }

  # An alarm that belongs to a composite alarm sends no messages of its own.
  parts = toset(flatten([for composite in var.composites : composite.any_of]))
  topic = { for name in keys(var.alarms) : name => contains(local.parts, name) ? [] : [var.topic_arn] }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = local.descriptions[each.key]
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = coalesce(each.value.datapoints, each.value.periods)
  treat_missing_data  = each.value.missing

  # One metric, or an expression over several.
  namespace   = each.value.expression == "" ? one(values(each.value.metrics)).namespace : null
  metric_name = each.value.expression == "" ? one(values(each.value.metrics)).name : null
  dimensions  = each.value.expression == "" ? one(values(each.value.metrics)).dimensions : null
  statistic   = each.value.expression == "" ? one(values(each.value.metrics)).statistic : null
  period      = each.value.expression == "" ? each.value.seconds : null

  dynamic "metric_query" {
    for_each = each.value.expression == "" ? {} : each.value.metrics

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.statistic
        period      = each.value.seconds
      }
    }
  }

  dynamic "metric_query" {
    for_each = each.value.expression == "" ? [] : [each.value.expression]

    content {
      id          = "value"
      label       = each.key
      expression  = metric_query.value
      return_data = true
    }
  }

  alarm_actions             = local.topic[each.key]
  ok_actions                = local.topic[each.key]
  insufficient_data_actions = each.value.heartbeat ? local.topic[each.key] : []

  tags = { Severity = each.value.severity }
}

resource "aws_cloudwatch_composite_alarm" "this" {
  for_each = var.composites

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = local.descriptions[each.key]
  alarm_actions     = [var.topic_arn]
  ok_actions        = [var.topic_arn]

  alarm_rule = join(" OR ", [
    for all in each.value.any_of : format("(%s)", join(" AND ", [for name in all : "ALARM(\"${aws_cloudwatch_metric_alarm.this[name].alarm_name}\")"]))
  ])

  # The alarm of the cause suppresses the messages of its symptoms. The composite alarm waits two minutes for it to fire, and suppression
  # ends three minutes after it has recovered.
  dynamic "actions_suppressor" {
    for_each = each.value.suppressed_by == "" ? [] : [each.value.suppressed_by]

    content {
      alarm            = aws_cloudwatch_metric_alarm.this[actions_suppressor.value].alarm_name
      wait_period      = 120
      extension_period = 180
    }
  }

  tags = { Severity = each.value.severity }
}
