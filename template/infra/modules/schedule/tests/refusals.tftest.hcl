# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name      = "shop"
  time_zone = "Asia/Singapore"
  calls     = { down = { cron = "0 20 ? * FRI *", call = "rds:stopDBInstance", input = "{}" } }
  actions   = ["rds:StopDBInstance"]
  resources = ["arn:aws:rds:ap-southeast-1:111122223333:db:shop"]
  key_arn   = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    time_zone = "Singapore time"
    calls     = { down = { cron = "0 20 * * *", call = "rds:stopDBInstance", input = "{}" } }
  }

  expect_failures = [var.time_zone, var.calls]
}
