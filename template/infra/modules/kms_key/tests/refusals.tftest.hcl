# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name        = "shop"
  description = "Data of shop"
  region      = "ap-southeast-1"
  services    = ["cloudwatch.amazonaws.com"]
}

run "right_values_plan" {
  command = plan
}

run "what_is_no_service_is_refused" {
  command = plan

  variables {
    services = ["cloudwatch"]
  }

  expect_failures = [var.services]
}

run "a_service_that_names_no_account_is_refused" {
  command = plan

  variables {
    services = ["events.amazonaws.com"]
  }

  expect_failures = [var.services]
}
