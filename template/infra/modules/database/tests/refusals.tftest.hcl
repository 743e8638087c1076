# What this module refuses, beside a plan of what it takes.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name                     = "shop"
  engine_version           = "17"
  instance_class           = "db.t3.micro"
  database_name            = "app"
  multi_az                 = true
  storage_gb               = 20
  backup_days              = 7
  deletion_protection      = true
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-1", "subnet-2"]
  client_security_group_id = "sg-1"
  log_retention_days       = 30
  key_arn                  = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    engine_version = "17.2"
    instance_class = "t3.micro"
    storage_gb     = 5
    backup_days    = 1
    subnet_ids     = ["subnet-1"]
  }

  expect_failures = [var.engine_version, var.instance_class, var.storage_gb, var.backup_days, var.subnet_ids]
}
