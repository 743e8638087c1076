# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  names          = { flow = "/aws/vpc/shop/flow" }
  retention_days = 30
  key_arn        = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
}

run "right_values_plan" {
  command = plan
}

run "a_name_that_is_none_is_refused" {
  command = plan

  variables {
    names = { flow = "flow logs" }
  }

  expect_failures = [var.names]
}
