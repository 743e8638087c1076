mock_provider "aws" {
  source = "../testing"
}

run "unknown_hours_are_refused" {
  command = plan

  variables {
    off_hours_shutdown = "sometimes"
  }

  expect_failures = [var.off_hours_shutdown]
}
