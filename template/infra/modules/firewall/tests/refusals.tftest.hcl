# What this module refuses, beside a plan of what it takes.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name               = "shop"
  log_retention_days = 30
  key_arn            = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
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
