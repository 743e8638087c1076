# A contract that no parameter can hold is refused before anything is made.

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

override_module {
  target  = module.registry
  outputs = { urls = { api = "%{for a in [1, 2, 3, 4, 5, 6, 7, 8]}%{for b in [1, 2, 3, 4, 5, 6, 7, 8]}a name of sixty-four letters, which is said sixty-four times ... %{endfor}%{endfor}", migrate = "migrate", worker = "worker" } }
}

override_module {
  target = module.database

  outputs = {
    identifier           = "shop-production"
    arn                  = "arn:aws:rds:ap-southeast-1:111122223333:db:shop-production"
    host                 = "database.example.com"
    port                 = 5432
    database_name        = "app"
    master_secret_arn    = "arn:aws:secretsmanager:ap-southeast-1:111122223333:secret:master"
    security_group_id    = "sg-3"
    parameter_group_name = "shop-production"
    monitoring_role_arn  = "arn:aws:iam::111122223333:role/monitoring"
  }
}

override_module {
  target = module.cache

  outputs = {
    hosts    = { main = "cache.example.com" }
    port     = 6379
    nodes    = { "main/1" = "shop-production-001" }
    username = "app"
    password = "not a real one"
  }
}

run "a_contract_of_4096_bytes_is_refused" {
  command = plan

  # Without a host name no certificate is waited for, so that the whole document is known.
  variables {
    domain = ""
  }

  expect_failures = [aws_ssm_parameter.contract]
}
