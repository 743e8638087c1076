# The account's audit trail (CloudTrail). There is only one, because AWS bills every further copy of the same events. Its files are locked
# until they expire, and no role of the project may change the trail.

variable "audit_trail_days" {
  description = "Days that the trail's files are kept and locked."
  type        = number

  validation {
    condition     = var.audit_trail_days >= 90 && var.audit_trail_days <= 3653
    error_message = "audit_trail_days is from 90 to 3653."
  }
}

locals {
  audit_name   = "${var.service}-audit"
  audit_bucket = "${var.service}-audit-${local.account}"
  audit_trail  = "arn:${local.partition}:cloudtrail:${var.region}:${local.account}:trail/${local.audit_name}"
}

module "audit_key" {
  source = "../modules/kms_key"

  name        = local.audit_name
  description = "Audit trail of the account, by ${var.service}"
  region      = var.region
  services    = ["cloudtrail.amazonaws.com"]
}

data "aws_iam_policy_document" "audit" {
  statement {
    sid       = "LookAtBucket"
    actions   = ["s3:GetBucketAcl"]
    resources = ["arn:${local.partition}:s3:::${local.audit_bucket}"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.audit_trail]
    }
  }

  statement {
    sid       = "WriteTrail"
    actions   = ["s3:PutObject"]
    resources = ["arn:${local.partition}:s3:::${local.audit_bucket}/AWSLogs/${local.account}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.audit_trail]
    }

    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }
}

module "audit_bucket" {
  source = "../modules/s3_bucket"

  name        = local.audit_bucket
  key_arn     = module.audit_key.arn
  policies    = [data.aws_iam_policy_document.audit.json]
  expire_days = var.audit_trail_days
  lock_days   = var.audit_trail_days
}

module "cloudtrail" {
  source = "../modules/cloudtrail"

  name    = local.audit_name
  bucket  = module.audit_bucket.name
  key_arn = module.audit_key.arn
}
