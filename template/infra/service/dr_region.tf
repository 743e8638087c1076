# A second region that receives copies of the backups and images, for the disaster that takes the first.

variable "dr_region" {
  description = "Region of the copies; empty for none."
  type        = string

  validation {
    condition     = var.dr_region == "" || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.dr_region))
    error_message = "dr_region is an AWS region such as ap-southeast-2, or empty."
  }

  validation {
    condition     = var.dr_region != var.region
    error_message = "dr_region is the first region: a copy there is lost with it."
  }
}

provider "aws" {
  alias  = "dr_region"
  region = var.dr_region == "" ? var.region : var.dr_region

  default_tags {
    tags = local.tags
  }
}

module "copy_key" {
  source   = "../modules/key"
  for_each = toset(var.dr_region == "" ? [] : [var.dr_region])

  providers = { aws = aws.dr_region }

  name        = "${local.name}-copies"
  description = "Backup copies of ${local.name}"
  region      = each.value
}

module "disaster_recovery" {
  source   = "../modules/disaster_recovery"
  for_each = toset(var.dr_region == "" ? [] : [var.dr_region])

  providers = {
    aws      = aws
    aws.copy = aws.dr_region
  }

  permissions_boundary = local.permissions_boundary
  name                 = local.name
  copy_region          = each.value
  database_arn         = module.database.arn
  repository_prefix    = "${var.service}/${var.environment}/"
  key_arn              = module.key.arn
  copy_key_arn         = module.copy_key[each.key].arn
}
