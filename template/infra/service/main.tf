# Resources of one service in one environment. Network and cluster come from the platform's contract.

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_ssm_parameter" "platform" {
  name = "/platform/${var.platform_name}/${var.environment}/contract"

  lifecycle {
    postcondition {
      condition     = try(jsondecode(self.insecure_value).version, 0) == 1
      error_message = "The contract of platform ${var.platform_name} is not of version 1: apply the platform with the same release of the template first."
    }

    postcondition {
      condition     = try(jsondecode(self.insecure_value).region, "") == var.region && try(jsondecode(self.insecure_value).environment, "") == var.environment
      error_message = "The contract of platform ${var.platform_name} is for another region or environment than ${var.region}, ${var.environment}."
    }
  }
}

locals {
  name                 = "${var.service}-${var.environment}"
  account              = data.aws_caller_identity.current.account_id
  permissions_boundary = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:policy/${var.permissions_boundary}"
  platform             = jsondecode(data.aws_ssm_parameter.platform.insecure_value)

  tags = {
    Environment = var.environment
    ManagedBy   = "terraform"
    Owner       = var.owner_email
    Root        = "service"
    Service     = var.service
    Stack       = local.name
    Team        = var.team
  }
}

module "kms_key" {
  source = "../modules/kms_key"

  name        = local.name
  description = "Data, secrets, images and logs of ${local.name}"
  region      = var.region
  services    = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
}

module "sns_topic" {
  source = "../modules/sns_topic"

  name       = "${local.name}-alarms"
  key_arn    = module.kms_key.arn
  publishers = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
  email      = var.alert_email
}
