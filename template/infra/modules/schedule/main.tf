# Calls to AWS at fixed times of the week, in the team's time zone.

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-schedule"
  description          = "Starts and stops ${var.name} by the clock."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary
}

data "aws_iam_policy_document" "calls" {
  statement {
    actions   = var.actions
    resources = var.resources
  }

  # The input of the schedules is encrypted with this key.
  statement {
    actions   = ["kms:Decrypt"]
    resources = [var.key_arn]
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "calls"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.calls.json
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "this" {
  for_each = var.calls

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.this.name
  schedule_expression          = "cron(${each.value.cron})"
  schedule_expression_timezone = var.time_zone
  kms_key_arn                  = var.key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "arn:aws:scheduler:::aws-sdk:${each.value.call}"
    role_arn = aws_iam_role.this.arn
    input    = each.value.input

    # Retry a failed call for an hour. RDS refuses it, for example, during a backup.
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 12
    }
  }
}
