# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name    = "shop-logs"
  key_arn = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name            = "Shop"
    encryption      = "none"
    expire_days     = -1
    noncurrent_days = 0
    lock_days       = -1
  }

  expect_failures = [var.name, var.encryption, var.expire_days, var.noncurrent_days, var.lock_days]
}
