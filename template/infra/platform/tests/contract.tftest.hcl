# A contract that no parameter can hold is refused before anything is made.

mock_provider "aws" {
  source = "../testing"
}

override_module {
  target = module.network

  outputs = {
    vpc_id           = "vpc-00000000000000001"
    vpc_cidr         = "10.0.0.0/16"
    public_subnets   = { a = { id = "%{for a in [1, 2, 3, 4, 5, 6, 7, 8]}%{for b in [1, 2, 3, 4, 5, 6, 7, 8]}a name of sixty-four letters, which is said sixty-four times ... %{endfor}%{endfor}", cidr = "10.0.192.0/22" } }
    private_subnets  = { a = { id = "subnet-2", cidr = "10.0.0.0/18" } }
    database_subnets = { a = { id = "subnet-3", cidr = "10.0.208.0/22" } }
  }
}

override_module {
  target = module.cluster

  outputs = {
    name                            = "shop-production"
    version                         = "1.35"
    security_group_id               = "sg-1"
    load_balancer_security_group_id = "sg-2"
    oidc_provider_arn               = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.ap-southeast-1.amazonaws.com/id/1"
  }
}

override_module {
  target = module.load_balancer_logs

  outputs = { name = "logs", arn = "arn:aws:s3:::logs" }
}

override_module {
  target = module.controller

  outputs = { role_arn = "arn:aws:iam::111122223333:role/controller", role_name = "controller" }
}

run "a_contract_of_4096_bytes_is_refused" {
  command = plan

  expect_failures = [aws_ssm_parameter.contract]
}
