# Refusals of this root, and answers that it accepts.

# The passwords are ephemeral, and Terraform 1.11 mocks no ephemeral resource: these runs plan with the credentials of an
# account, read there and make nothing.
override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "111122223333" }
}

override_data {
  target = data.aws_ssm_parameter.platform

  values = {
    insecure_value = <<-EOT
    {
      "version": 1,
      "platform": "shop",
      "environment": "production",
      "region": "ap-southeast-1",
      "account_id": "111122223333",
      "vpc_id": "vpc-1",
      "public_subnet_ids": ["subnet-1"],
      "public_subnet_cidrs": ["10.0.192.0/22"],
      "private_subnet_ids": ["subnet-2"],
      "database_subnet_ids": ["subnet-3", "subnet-4"],
      "database_subnet_cidrs": ["10.0.208.0/22", "10.0.212.0/22"],
      "cluster_name": "shop-production",
      "oidc_provider_arn": "arn:aws:iam::111122223333:oidc-provider/1",
      "cluster_security_group_id": "sg-1",
      "alb_security_group_id": "sg-2",
      "alb_log_bucket": "shop-production-alb-111122223333",
      "external_dns_role_name": "shop-production-external-dns",
      "external_secrets_role_name": "shop-production-external-secrets",
      "load_balancer_role_name": "shop-production-load-balancer"
    }
    EOT
  }
}

run "right_answers_plan" {
  command = plan
}

run "wrong_answers_are_refused" {
  command = plan

  variables {
    permissions_boundary = "AdministratorAccess"
    service              = "Shop!"
    environment          = "prod"
    region               = "Singapore"
    log_retention_days   = 8
    domain               = "API.example.com"
    delegations          = { dev = ["ns-1.example.net"] }
    environments_below   = ["test"]
    secret_versions      = { jwt = 2 }
    db_memory_mib        = 1
    db_max_connections   = 1
    db_storage_gb        = 5
    db_backup_days       = 1
    cache_replicas       = 9
    cache_groups         = "three"
    alarm_thresholds     = { errors_percent = 100 }
    objectives           = { availability_percent = 100 }
  }

  expect_failures = [
    var.permissions_boundary,
    var.service,
    var.environment,
    var.region,
    var.log_retention_days,
    var.domain,
    var.delegations,
    var.environments_below,
    var.secret_versions,
    var.db_memory_mib,
    var.db_max_connections,
    var.db_storage_gb,
    var.db_backup_days,
    var.cache_replicas,
    var.cache_groups,
    var.alarm_thresholds,
    var.objectives,
  ]
}

run "a_misspelt_threshold_or_objective_is_refused" {
  command = plan

  variables {
    alarm_thresholds = { error_percent = 2 }
    objectives       = { availability = 99.5 }
  }

  expect_failures = [var.alarm_thresholds, var.objectives]
}

run "an_alarm_looks_back_seven_days_at_most" {
  command = plan

  variables {
    alarm_thresholds = { backup_hours = 169 }
  }

  expect_failures = [var.alarm_thresholds]
}

run "a_certificate_is_published_once_it_is_issued" {
  command = plan

  assert {
    condition     = output.contract.certificate_arn == ""
    error_message = "The load balancer takes no listener with a certificate that is pending."
  }
}

run "an_environment_below_that_would_vanish_is_noticed" {
  command = plan

  variables {
    domain_delegated   = true
    environments_below = ["dev"]
  }

  expect_failures = [check.environments_below_stay_delegated]
}

run "a_contract_of_another_version_is_refused" {
  command = plan

  override_data {
    target = data.aws_ssm_parameter.platform
    values = { insecure_value = "{\"version\": 2, \"region\": \"ap-southeast-1\", \"environment\": \"production\"}" }
  }

  expect_failures = [data.aws_ssm_parameter.platform]
}

run "a_contract_of_another_environment_is_refused" {
  command = plan

  variables {
    environment = "dev"
  }

  expect_failures = [data.aws_ssm_parameter.platform]
}
