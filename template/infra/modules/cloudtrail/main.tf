# CloudTrail records all API calls of this account in every region. Digest files show whether a log file was changed.

resource "aws_cloudtrail" "this" {
  # checkov:skip=CKV_AWS_252,CKV2_AWS_10: The trail is read only after an incident, so it needs no notification for each file and no copy in CloudWatch Logs.
  name                          = var.name
  s3_bucket_name                = var.bucket
  kms_key_id                    = var.key_arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
}
