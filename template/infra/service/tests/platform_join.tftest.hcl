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

run "a_budget_of_nothing_is_refused" {
  command = plan

  variables {
    monthly_budget_usd = 0
  }

  expect_failures = [var.monthly_budget_usd]
}

run "another_accounts_platform_is_noticed" {
  command = plan

  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "444455556666" }
  }

  expect_failures = [check.platform_join_stays_in_one_account]
}
