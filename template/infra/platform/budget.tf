# Sends a message at 80 % and at 100 % of the monthly budget, and when the forecast exceeds it.

resource "aws_budgets_budget" "monthly" {
  name         = "${local.name}-monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  # One account may hold several environments. A tag counts from the day on which it is activated as a cost allocation tag (README).
  dynamic "cost_filter" {
    for_each = var.budget_scope == "environment" ? [var.environment] : []

    content {
      name   = "TagKeyValue"
      values = [format("user:Environment$%s", cost_filter.value)]
    }
  }

  dynamic "notification" {
    for_each = {
      near     = { type = "ACTUAL", percent = 80 }
      spent    = { type = "ACTUAL", percent = 100 }
      forecast = { type = "FORECASTED", percent = 100 }
    }

    content {
      comparison_operator       = "GREATER_THAN"
      notification_type         = notification.value.type
      threshold                 = notification.value.percent
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [module.sns_topic.arn]
    }
  }
}

# Cost anomaly detection. It is off by default, because AWS refuses to create a monitor until somebody has opened Cost Explorer in the
# console of the account, and there is no API for that (README).

locals {
  # AWS allows monitors by tag only in a management account, or in an account without an organisation. Other accounts have one monitor for
  # all services. Either AWS created it when Cost Explorer was opened (anomaly_monitor_arn), or it is created here.
  anomaly_monitors = {
    none        = {}
    environment = { environment = { type = "CUSTOM", dimension = null, tags = { Key = "user:Environment", MatchOptions = ["EQUALS"], Values = [var.environment] } } }
    services    = var.anomaly_monitor_arn == "" ? { services = { type = "DIMENSIONAL", dimension = "SERVICE", tags = null } } : {}
  }[var.anomaly_detection]

  anomaly_monitor_arns = concat(
    [for monitor in aws_ce_anomaly_monitor.this : monitor.arn],
    var.anomaly_detection == "services" && var.anomaly_monitor_arn != "" ? [var.anomaly_monitor_arn] : [],
  )
}

resource "aws_ce_anomaly_monitor" "this" {
  for_each = local.anomaly_monitors

  name              = local.name
  monitor_type      = each.value.type
  monitor_dimension = each.value.dimension

  # With every key that AWS returns: if one is missing, each plan recreates the monitor.
  monitor_specification = each.value.tags == null ? null : jsonencode({
    And            = null
    CostCategories = null
    Dimensions     = null
    Not            = null
    Or             = null
    Tags           = each.value.tags
  })
}

resource "aws_ce_anomaly_subscription" "this" {
  for_each = toset(var.anomaly_detection == "none" ? [] : ["this"])

  name             = local.name
  frequency        = "IMMEDIATE"
  monitor_arn_list = local.anomaly_monitor_arns

  subscriber {
    type    = "SNS"
    address = module.sns_topic.arn
  }

  # 5 % of the monthly budget, and at least USD 10: smaller anomalies are not worth a message.
  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(max(10, floor(var.monthly_budget_usd / 20)))]
    }
  }
}
