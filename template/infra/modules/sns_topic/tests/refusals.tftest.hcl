# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name       = "shop"
  key_arn    = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
  publishers = ["cloudwatch.amazonaws.com"]
  email      = "alerts@example.com"
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    publishers = []
    email      = "alerts"
  }

  expect_failures = [var.publishers, var.email]
}
