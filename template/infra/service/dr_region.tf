# A second region with copies of the backups and images, in case the first region is lost.

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

variable "dr_platform" {
  description = "Platform in dr_region that the service can move to; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.dr_platform == "" || var.dr_region != ""
    error_message = "dr_platform names a platform in dr_region, which is empty."
  }

  validation {
    condition     = var.dr_platform == "" || var.domain != ""
    error_message = "dr_platform needs a domain: without a host name there is no record that could fail over."
  }
}

variable "dr_load_balancer" {
  description = "Load balancer of dr_platform for DNS failover when the first region fails; empty while there is none."
  type        = string
  default     = ""

  validation {
    condition     = var.dr_load_balancer == "" || var.dr_platform != ""
    error_message = "dr_load_balancer belongs to dr_platform, and that is empty."
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
  source   = "../modules/kms_key"
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
  hour                 = (tonumber(split(":", var.db_backup_window)[0]) + 22) % 24
  repository_prefix    = "${var.service}/${var.environment}/"
  key_arn              = module.kms_key.arn
  copy_key_arn         = module.copy_key[each.key].arn
}
