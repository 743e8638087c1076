# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name          = "shop"
  log_group_arn = "arn:aws:logs:ap-southeast-1:111122223333:log-group:aws-waf-logs-shop"
}

run "right_values_plan" {
  command = plan
}

run "a_limit_that_stops_people_is_refused" {
  command = plan

  variables {
    rate_limit = 10
  }

  expect_failures = [var.rate_limit]
}

run "a_log_group_that_waf_cannot_write_to_is_refused" {
  command = plan

  variables {
    log_group_arn = "arn:aws:logs:ap-southeast-1:111122223333:log-group:shop"
  }

  expect_failures = [var.log_group_arn]
}
