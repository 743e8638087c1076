# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name         = "shop-api"
  description  = "The API of shop"
  cluster_name = "shop"
}

run "right_values_plan" {
  command = plan
}

run "a_name_beyond_64_characters_is_refused" {
  command = plan

  variables {
    name = join("", range(60))
  }

  expect_failures = [var.name]
}
