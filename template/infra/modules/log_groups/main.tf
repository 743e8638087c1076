# Log groups are created before anything writes to them, so that retention and encryption apply from the first line.

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338: The retention is an answer (log_retention_days).
  for_each = var.names

  name              = each.value
  retention_in_days = var.retention_days
  kms_key_id        = var.key_arn
}
