# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name               = "shop-dr-replica"
  region             = "ap-southeast-1"
  instance_class     = "db.t3.micro"
  flow_log_group_arn = "arn:aws:logs:ap-southeast-1:111122223333:log-group:/aws/vpc/shop-dr-replica/flow"
}

run "right_values_plan" {
  command = plan

  assert {
    condition     = length(aws_subnet.database) == 2
    error_message = "RDS asks for two zones"
  }
}

run "a_range_that_holds_no_subnets_is_refused" {
  command = plan

  variables {
    cidr = "10.255.255.0/28"
  }

  expect_failures = [var.cidr]
}

run "a_class_that_too_few_zones_offer_is_refused" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.database
    values = { locations = ["ap-southeast-1a", "ap-southeast-1-hkg-1a"] }
  }

  expect_failures = [aws_vpc.this]
}
