# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name                      = "shop"
  region                    = "ap-southeast-1"
  engine_version            = "17"
  instance_class            = "db.t3.micro"
  database_name             = "app"
  multi_az                  = true
  storage_gb                = 20
  backup_days               = 7
  deletion_protection       = true
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2"]
  client_security_group_ids = { cluster = "sg-1" }
  master_secret             = "shop/production/database-master"
  master_version            = 1
  log_groups                = { postgresql = "/aws/rds/instance/shop/postgresql" }
  key_arn                   = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    engine_version     = "17.2"
    instance_class     = "t3.micro"
    storage_gb         = 5
    backup_days        = 1
    backup_window      = "5pm"
    maintenance_window = "sunday"
    subnet_ids         = ["subnet-1"]
    log_groups         = { postgresql = "/shop/postgresql" }
  }

  expect_failures = [var.engine_version, var.instance_class, var.storage_gb, var.backup_days, var.backup_window, var.maintenance_window, var.subnet_ids, var.log_groups]
}

run "a_replica_beside_its_source_needs_no_subnets" {
  command = plan

  variables {
    source_database = "shop-source"
    subnet_ids      = []
    master_secret   = null
  }

  assert {
    condition     = length(aws_db_subnet_group.this) == 0 && length(terraform_data.master_password) == 0
    error_message = "a replica has its source's subnets and logins"
  }
}

run "a_replica_with_a_password_of_its_own_is_refused" {
  command = plan

  variables {
    source_database = "shop-source"
  }

  expect_failures = [aws_db_instance.this]
}

run "an_instance_without_subnets_is_refused" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}
