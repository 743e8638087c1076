# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name        = "/service/shop/production/contract"
  description = "Values for the deploy of shop-production"
  document    = "{}"
}

run "right_values_plan" {
  command = plan
}

run "another_name_is_refused" {
  command = plan

  variables {
    name = "/shop/contract"
  }

  expect_failures = [var.name]
}

# 64 times 65 characters.
run "a_contract_of_4096_bytes_is_refused" {
  command = plan

  variables {
    document = "%{for a in [1, 2, 3, 4, 5, 6, 7, 8]}%{for b in [1, 2, 3, 4, 5, 6, 7, 8]}a line of sixty-five letters, which is said sixty-four times .... %{endfor}%{endfor}"
  }

  expect_failures = [aws_ssm_parameter.this]
}
