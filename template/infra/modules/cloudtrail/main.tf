# CloudTrail: who did what in this account, in every region, in files that show when they were changed.

resource "aws_cloudtrail" "this" {
  # checkov:skip=CKV_AWS_252,CKV2_AWS_10: The trail is for looking back, in locked files: no message a file, and no second copy in CloudWatch.
  name                          = var.name
  s3_bucket_name                = var.bucket
  kms_key_id                    = var.key_arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
}
