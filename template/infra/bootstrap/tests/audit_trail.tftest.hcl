mock_provider "aws" {
  source = "../testing"
}

run "a_trail_of_a_day_is_refused" {
  command = plan

  variables {
    audit_trail_days = 1
  }

  expect_failures = [var.audit_trail_days]
}
