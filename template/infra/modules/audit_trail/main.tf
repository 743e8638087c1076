# CloudTrail: who did what in this account, in every region, in files that show when they were changed.

resource "aws_cloudtrail" "this" {
  name                          = var.name
  s3_bucket_name                = var.bucket
  kms_key_id                    = var.key_arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
}
