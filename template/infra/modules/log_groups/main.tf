# Log groups, made before anything writes to them: so that retention and key hold from the first line on.

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338: How long logs are kept is an answer (log_retention_days).
  for_each = var.names

  name              = each.value
  retention_in_days = var.retention_days
  kms_key_id        = var.key_arn
}
