# Refusals of this root, and answers that it accepts.

mock_provider "aws" {
  source = "../testing"
}

run "right_answers_plan" {
  command = plan
}

run "wrong_answers_are_refused" {
  command = plan

  variables {
    permissions_boundary    = "AdministratorAccess"
    platform_name           = "Shop!"
    environment             = "prod"
    region                  = "Singapore"
    owner_email             = "owner"
    monthly_budget_usd      = 0
    budget_scope            = "team"
    anomaly_detection       = "everything"
    log_retention_days      = 8
    vpc_cidr                = "10.0.0.0/24"
    vpc_block               = 3
    az_count                = 1
    api_public_cidrs        = ["office"]
    kubernetes_version      = "1.5"
    addon_versions          = { vpc-cni = "v1.22.4-eksbuild.3" }
    cluster_admin_role_arns = ["admin"]
    node_architecture       = "mips"
    node_min                = 1
    alarm_thresholds        = { cpu_percent = 100 }
  }

  expect_failures = [
    var.permissions_boundary,
    var.platform_name,
    var.environment,
    var.region,
    var.owner_email,
    var.monthly_budget_usd,
    var.budget_scope,
    var.anomaly_detection,
    var.log_retention_days,
    var.vpc_cidr,
    var.vpc_block,
    var.az_count,
    var.api_public_cidrs,
    var.kubernetes_version,
    var.addon_versions,
    var.cluster_admin_role_arns,
    var.node_architecture,
    var.node_min,
    var.alarm_thresholds,
  ]
}

run "a_misspelt_threshold_is_refused" {
  command = plan

  variables {
    alarm_thresholds = { cpu = 90 }
  }

  expect_failures = [var.alarm_thresholds]
}

run "an_add_on_without_a_build_is_refused" {
  command = plan

  variables {
    addon_versions = {
      amazon-cloudwatch-observability = "v6.4.0-eksbuild.1"
      coredns                         = "latest"
      eks-pod-identity-agent          = "v1.3.10-eksbuild.3"
      kube-proxy                      = "v1.36.0-eksbuild.25"
      metrics-server                  = "v0.9.0-eksbuild.11"
      vpc-cni                         = "v1.22.4-eksbuild.3"
    }
  }

  expect_failures = [var.addon_versions]
}

run "a_monitor_that_is_no_arn_is_refused" {
  command = plan

  variables {
    anomaly_detection   = "services"
    anomaly_monitor_arn = "monitor"
  }

  expect_failures = [var.anomaly_monitor_arn]
}

run "the_accounts_own_monitor_may_be_named" {
  command = plan

  variables {
    anomaly_detection   = "services"
    anomaly_monitor_arn = "arn:aws:ce::111122223333:anomalymonitor/1"
  }

  assert {
    condition     = length(aws_ce_anomaly_monitor.this) == 0 && length(aws_ce_anomaly_subscription.this) == 1
    error_message = "A second monitor of all services is more than an account may have."
  }
}

run "a_management_account_can_watch_the_environments_tag" {
  command = plan

  variables {
    anomaly_detection  = "environment"
    environment        = "dev"
    monthly_budget_usd = 500
  }

  assert {
    condition     = jsondecode(aws_ce_anomaly_monitor.this["environment"].monitor_specification).Tags.Values == ["dev"]
    error_message = "The monitor watches the environment by its tag."
  }

  assert {
    condition     = tolist(one(one(aws_ce_anomaly_subscription.this["this"].threshold_expression).dimension).values) == tolist(["25"])
    error_message = "A twentieth of the month's budget is told."
  }
}

run "an_account_without_a_monitor_gets_one_of_all_services" {
  command = plan

  variables {
    anomaly_detection = "services"
  }

  assert {
    condition     = aws_ce_anomaly_monitor.this["services"].monitor_dimension == "SERVICE"
    error_message = "Only a management account may have a monitor by tag."
  }
}

run "the_whole_world_has_to_be_meant" {
  command = plan

  variables {
    api_public_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.api_public_cidrs]
}

run "the_whole_world_may_be_meant" {
  command = plan

  variables {
    api_public_cidrs      = ["0.0.0.0/0"]
    api_open_to_the_world = true
  }
}

run "a_cluster_without_administrators_is_noticed" {
  command = plan

  variables {
    cluster_admin_role_arns = []
  }

  expect_failures = [check.somebody_administers_the_cluster]
}

# An answer is compared with another one only if that one is valid.
run "answers_that_do_not_go_together_are_refused" {
  command = plan

  variables {
    az_count     = 2
    nat_gateways = 3
    node_min     = 3
    node_max     = 2
  }

  expect_failures = [var.nat_gateways, var.node_max]
}
