# The platform of one environment: network, cluster, nodes, and the roles of controllers. Services join it through the
# contract that contract.tf publishes.

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Environment = var.environment
      ManagedBy   = "terraform"
      Owner       = var.owner_email
      Platform    = var.platform_name
      Root        = "platform"
      Team        = var.team
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name                 = "${var.platform_name}-${var.environment}"
  account              = data.aws_caller_identity.current.account_id
  permissions_boundary = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:policy/${var.permissions_boundary}"
}

module "kms_key" {
  source = "../modules/kms_key"

  name        = "${local.name}-platform"
  description = "Kubernetes secrets, logs and alarms of the platform ${local.name}"
  region      = var.region
  services    = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "costalerts.amazonaws.com"]
}

module "sns_topic" {
  source = "../modules/sns_topic"

  name       = "${local.name}-platform-alarms"
  key_arn    = module.kms_key.arn
  publishers = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "costalerts.amazonaws.com"]
  email      = var.alert_email
}

module "log_groups" {
  source = "../modules/log_groups"

  names = merge(
    { control-plane = "/aws/eks/${local.name}/cluster", flow = "/aws/vpc/${local.name}/flow" },
    { for kind in ["application", "dataplane", "host", "performance"] : kind => "/aws/containerinsights/${local.name}/${kind}" },
  )
  retention_days = var.log_retention_days
  key_arn        = module.kms_key.arn
}

module "network" {
  source = "../modules/network"

  permissions_boundary = local.permissions_boundary
  name                 = local.name
  region               = var.region
  vpc_cidr             = var.vpc_cidr
  vpc_block            = var.vpc_block
  az_count             = var.az_count
  nat_gateways         = var.nat_gateways
  interface_endpoints  = var.interface_endpoints
  node_instance_type   = var.node_instance_type
  flow_log_group_arn   = module.log_groups.arns["flow"]
}
