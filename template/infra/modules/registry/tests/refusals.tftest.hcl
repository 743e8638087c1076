# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  prefix       = "shop/production"
  images       = ["api"]
  key_arn      = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
  force_delete = false
}

run "right_values_plan" {
  command = plan
}

run "a_name_with_capitals_is_refused" {
  command = plan

  variables {
    images = ["API"]
  }

  expect_failures = [var.images]
}
