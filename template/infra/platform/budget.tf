# A mail at 80 % of the month's budget, when it is spent, and when the forecast says that it will be.

resource "aws_budgets_budget" "monthly" {
  name         = "${local.name}-monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  # One account may hold several environments. Tags count from the day they are activated as cost allocation tags.
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
      subscriber_sns_topic_arns = [module.topic.arn]
    }
  }
}

# Spending that does not look like the weeks before, by tag: an account has one monitor of all services, and AWS makes that one.
resource "aws_ce_anomaly_monitor" "environment" {
  name         = local.name
  monitor_type = "CUSTOM"

  # With every key that AWS answers: without one of them each plan would make the monitor anew.
  monitor_specification = jsonencode({
    And            = null
    CostCategories = null
    Dimensions     = null
    Not            = null
    Or             = null
    Tags           = { Key = "user:Environment", MatchOptions = ["EQUALS"], Values = [var.environment] }
  })
}

resource "aws_ce_anomaly_subscription" "environment" {
  name             = local.name
  frequency        = "IMMEDIATE"
  monitor_arn_list = [aws_ce_anomaly_monitor.environment.arn]

  subscriber {
    type    = "SNS"
    address = module.topic.arn
  }

  # A twentieth of the month's budget, and USD 10 at least: below that nobody gets up.
  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(max(10, floor(var.monthly_budget_usd / 20)))]
    }
  }
}
