# Facts about this platform that services need, without secrets. service/platform-contract.example.json is an example; a test of the
# template checks that both have the same keys.

locals {
  contract = {
    version     = 1
    platform    = var.platform_name
    environment = var.environment
    region      = var.region
    account_id  = local.account

    vpc_id                = module.network.vpc_id
    public_subnet_ids     = [for subnet in module.network.public_subnets : subnet.id]
    public_subnet_cidrs   = [for subnet in module.network.public_subnets : subnet.cidr]
    private_subnet_ids    = local.private_subnet_ids
    database_subnet_ids   = [for subnet in module.network.database_subnets : subnet.id]
    database_subnet_cidrs = [for subnet in module.network.database_subnets : subnet.cidr]

    cluster_name              = module.cluster.name
    oidc_provider_arn         = module.cluster.oidc_provider_arn
    cluster_security_group_id = module.cluster.security_group_id
    alb_security_group_id     = module.cluster.load_balancer_security_group_id
    alb_log_bucket            = module.load_balancer_logs.name

    external_dns_role_name     = module.controller["external-dns"].role_name
    external_secrets_role_name = module.controller["external-secrets"].role_name
    load_balancer_role_name    = module.controller["load-balancer"].role_name
  }
}

module "contract" {
  source = "../modules/contract"

  name        = "/platform/${var.platform_name}/${var.environment}/contract"
  description = "Values of the platform ${local.name} for its services"
  document    = jsonencode(local.contract)
}
