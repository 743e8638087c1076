mock_provider "aws" {
  source = "../testing"
}

run "wrong_spot_answers_are_refused" {
  command = plan

  variables {
    spot_instance_types = ["t3.medium"]
    spot_max            = 0
  }

  expect_failures = [var.spot_instance_types, var.spot_max]
}
