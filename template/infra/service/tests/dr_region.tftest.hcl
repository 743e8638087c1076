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

run "what_is_no_region_is_refused" {
  command = plan

  variables {
    dr_region = "Sydney"
  }

  expect_failures = [var.dr_region]
}

run "the_first_region_is_refused" {
  command = plan

  variables {
    dr_region = "ap-southeast-1"
  }

  expect_failures = [var.dr_region]
}

run "a_second_platform_without_a_second_region_is_refused" {
  command = plan

  variables {
    dr_region   = ""
    dr_platform = "second"
  }

  expect_failures = [var.dr_platform]
}

run "a_second_platform_without_a_host_name_is_refused" {
  command = plan

  variables {
    domain      = ""
    dr_platform = "second"
  }

  expect_failures = [var.dr_platform]
}

run "a_load_balancer_without_its_platform_is_refused" {
  command = plan

  variables {
    dr_load_balancer = "k8s-second"
  }

  expect_failures = [var.dr_load_balancer]
}

run "a_second_platform_of_another_region_is_refused" {
  command = plan

  variables {
    dr_platform = "second"
  }

  override_data {
    target = data.aws_ssm_parameter.dr_platform
    values = { insecure_value = "{\"version\": 1, \"region\": \"ap-southeast-3\"}" }
  }

  expect_failures = [data.aws_ssm_parameter.dr_platform]
}
