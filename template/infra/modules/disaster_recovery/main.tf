# Preparation for the loss of a region: a daily backup of the database is copied to a vault in another region, and images are replicated
# there. Changes since the last copy (up to a day) are lost; the runbook says how long a rebuild takes.

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

resource "aws_backup_vault" "here" {
  name        = var.name
  kms_key_arn = var.key_arn
}

resource "aws_backup_vault" "copy" {
  provider = aws.copy

  name        = "${var.name}-copies"
  kms_key_arn = var.copy_key_arn
}

resource "aws_backup_plan" "this" {
  name = var.name

  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.here.name
    schedule          = "cron(0 ${var.hour} * * ? *)"
    start_window      = 60
    completion_window = 240

    lifecycle {
      delete_after = var.keep_days
    }

    copy_action {
      destination_vault_arn = aws_backup_vault.copy.arn

      lifecycle {
        delete_after = var.keep_days
      }
    }
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["backup.amazonaws.com"]
    }

    # AWS does not document whether AWS Backup sends this key. If it does, it must be this account. If not, other accounts are still kept out,
    # because a role can only be passed to a service within its own account.
    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-backup"
  description          = "Backs up ${var.name} and copies the backups."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy_attachment" "this" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
}

resource "aws_backup_selection" "this" {
  name         = "database"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.this.arn
  resources    = [var.database_arn]
}

# There is one configuration per account and region. If two services replicate images, only one of them may have this resource.
resource "aws_ecr_replication_configuration" "this" {
  replication_configuration {
    rule {
      destination {
        region      = var.copy_region
        registry_id = data.aws_caller_identity.current.account_id
      }

      repository_filter {
        filter      = var.repository_prefix
        filter_type = "PREFIX_MATCH"
      }
    }
  }
}
