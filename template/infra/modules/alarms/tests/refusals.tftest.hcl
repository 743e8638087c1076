# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name         = "shop-dev"
  owner        = "payments (owner@example.com)"
  runbooks_url = "https://github.com/acme/shop/blob/main/docs/runbooks"
  topic_arn    = "arn:aws:sns:ap-southeast-1:111122223333:shop-dev-alarms"

  alarms = {
    errors = {
      severity   = "business"
      summary    = "More than 5 % of requests fail"
      metrics    = { e = { namespace = "shop", name = "http_server_errors_total", dimensions = { Environment = "dev" }, statistic = "Sum" } }
      expression = "FILL(e, 0)"
      threshold  = 5
      periods    = 1
      missing    = "notBreaching"
    }
    database-cpu = {
      severity  = "critical"
      summary   = "CPU of the database above 80 %"
      metrics   = { cpu = { namespace = "AWS/RDS", name = "CPUUtilization", dimensions = { DBInstanceIdentifier = "shop-dev" }, statistic = "Average" } }
      threshold = 80
      periods   = 15
      missing   = "missing"
      heartbeat = true
    }
  }

  composites = {
    users = { severity = "business", summary = "Users see errors", any_of = [["errors"]], suppressed_by = "database-cpu" }
  }
}

run "right_values_plan" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["database-cpu"].alarm_description == "[critical] CPU of the database above 80 %. Owner: payments (owner@example.com). Runbook: https://github.com/acme/shop/blob/main/docs/runbooks/alarms/database-cpu.md"
    error_message = "The message names severity, owner and runbook."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this["errors"].alarm_actions) == 0 && length(aws_cloudwatch_metric_alarm.this["database-cpu"].alarm_actions) == 1
    error_message = "A part of a composite alarm sends no message of its own."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this["database-cpu"].insufficient_data_actions) == 1
    error_message = "A heartbeat sends a message when its metric stops."
  }
}

run "unknown_severities_are_refused" {
  command = plan

  variables {
    runbooks_url = "docs/runbooks"

    alarms = {
      x = { severity = "loud", summary = "x", metrics = { m = { namespace = "x", name = "x", dimensions = {}, statistic = "Sum" } }, threshold = 1, periods = 1, missing = "missing" }
    }

    composites = {
      y = { severity = "loud", summary = "y", any_of = [["x"]] }
    }
  }

  expect_failures = [var.runbooks_url, var.alarms, var.composites]
}

run "missing_data_is_treated_in_one_of_four_ways" {
  command = plan

  variables {
    composites = {}

    alarms = {
      x = { severity = "critical", summary = "x", metrics = { m = { namespace = "x", name = "x", dimensions = {}, statistic = "Sum" } }, threshold = 1, periods = 1, missing = "sometimes" }
    }
  }

  expect_failures = [var.alarms]
}

run "several_metrics_need_an_expression" {
  command = plan

  variables {
    composites = {}

    alarms = {
      x = { severity = "critical", summary = "x", metrics = {}, threshold = 1, periods = 1, missing = "missing" }
    }
  }

  expect_failures = [var.alarms]
}

run "a_look_back_of_two_days_needs_long_periods" {
  command = plan

  variables {
    composites = {}

    alarms = {
      x = { severity = "critical", summary = "x", metrics = { m = { namespace = "x", name = "x", dimensions = {}, statistic = "Sum" } }, threshold = 1, seconds = 60, periods = 2880, missing = "missing" }
    }
  }

  expect_failures = [var.alarms]
}
