# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name                = "shop"
  region              = "ap-southeast-1"
  vpc_cidr            = "10.0.0.0/16"
  vpc_block           = 0
  az_count            = 3
  nat_gateways        = 2
  interface_endpoints = true
  node_instance_type  = "t3.medium"
  flow_log_group_arn  = "arn:aws:logs:ap-southeast-1:111122223333:log-group:/aws/vpc/shop/flow"
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    vpc_cidr     = "10.0.7.0/16"
    vpc_block    = 3
    az_count     = 1
    nat_gateways = 0
  }

  expect_failures = [var.vpc_cidr, var.vpc_block, var.az_count, var.nat_gateways]
}

run "a_type_that_too_few_zones_offer_is_refused" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.nodes
    values = { locations = ["ap-southeast-1a"] }
  }

  expect_failures = [aws_vpc.this]
}

run "more_nat_gateways_than_zones_are_refused" {
  command = plan

  variables {
    az_count     = 2
    nat_gateways = 3
  }

  expect_failures = [aws_vpc.this]
}
