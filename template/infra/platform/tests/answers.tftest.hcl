# What this root refuses, and that it takes the answers that are right.

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
    log_retention_days      = 8
    vpc_cidr                = "10.0.0.0/24"
    vpc_block               = 3
    az_count                = 1
    api_public_cidrs        = ["office"]
    kubernetes_version      = "1.5"
    cluster_admin_role_arns = ["admin"]
    node_architecture       = "mips"
    node_min                = 1
  }

  expect_failures = [
    var.permissions_boundary,
    var.platform_name,
    var.environment,
    var.region,
    var.owner_email,
    var.monthly_budget_usd,
    var.budget_scope,
    var.log_retention_days,
    var.vpc_cidr,
    var.vpc_block,
    var.az_count,
    var.api_public_cidrs,
    var.kubernetes_version,
    var.cluster_admin_role_arns,
    var.node_architecture,
    var.node_min,
  ]
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

# What is compared with another answer needs that one to be right.
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
