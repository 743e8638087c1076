# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

mock_provider "aws" {
  alias  = "copy"
  source = "../../testing"
}

variables {
  name              = "shop"
  copy_region       = "ap-southeast-2"
  database_arn      = "arn:aws:rds:ap-southeast-1:111122223333:db:shop"
  repository_prefix = "shop/production/"
  hour              = 15
  key_arn           = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
  copy_key_arn      = "arn:aws:kms:ap-southeast-2:111122223333:key/1"
}

run "right_values_plan" {
  command = plan
}

run "copies_of_a_day_are_refused" {
  command = plan

  variables {
    keep_days = 1
    hour      = 24
  }

  expect_failures = [var.keep_days, var.hour]
}
