# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name                     = "shop"
  groups                   = { main = { id = "shop", description = "Queue of shop", eviction = "noeviction" } }
  slow_log_groups          = { main = "/aws/elasticache/shop/slow" }
  engine_version           = "8.0"
  node_type                = "cache.t3.micro"
  replicas                 = 1
  region                   = "ap-southeast-1"
  password_secret          = "shop/production/cache"
  password_version         = 1
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-1", "subnet-2"]
  client_security_group_id = "sg-1"
  key_arn                  = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name           = "Shop"
    groups         = { main = { id = "shop", description = "Queue of shop", eviction = "random" } }
    engine_version = "8"
    node_type      = "t3.micro"
    replicas       = 6
  }

  expect_failures = [var.name, var.groups, var.engine_version, var.node_type, var.replicas]
}
