# The platform belongs to another service. Its network, cluster and roles can only be used from the account that holds them.

check "platform_join_stays_in_one_account" {
  assert {
    condition     = local.platform.account_id == local.account
    error_message = "The platform ${var.platform_name} lives in account ${local.platform.account_id}, and this run in ${local.account}."
  }
}

variable "monthly_budget_usd" {
  description = "Monthly budget of the service's own resources (USD)."
  type        = number

  validation {
    condition     = var.monthly_budget_usd >= 1
    error_message = "monthly_budget_usd is at least 1."
  }
}

# Budget of the resources that this service owns in this environment, by the tag Stack, which counts only once it is activated as a cost
# allocation tag. The service's share of cluster and network is in the budget of the platform's owner.
resource "aws_budgets_budget" "platform_join" {
  name         = "${local.name}-monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Stack$%s", local.name)]
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
