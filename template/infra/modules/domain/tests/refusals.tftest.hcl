# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name        = "shop"
  domain      = "api.example.com"
  delegated   = false
  delegations = {}
}

run "right_values_plan" {
  command = plan
}

run "capitals_are_refused" {
  command = plan

  variables {
    domain = "API.example.com"
  }

  expect_failures = [var.domain]
}
