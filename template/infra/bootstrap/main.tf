# Applied once in each account, by a person: the bucket that holds every state, and the roles that GitHub Actions assumes.

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      ManagedBy = "terraform"
      Owner     = var.owner_email
      Root      = "bootstrap"
      Service   = var.service
      Team      = var.team
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account      = data.aws_caller_identity.current.account_id
  partition    = data.aws_partition.current.partition
  state_bucket = "${var.service}-tfstate-${local.account}-${var.region}"
}

module "kms_key" {
  source = "../modules/kms_key"

  name        = "${var.service}-tfstate"
  description = "Terraform states of ${var.service}"
  region      = var.region
}

module "state" {
  source = "../modules/s3_bucket"

  name            = local.state_bucket
  key_arn         = module.kms_key.arn
  noncurrent_days = 365
}
