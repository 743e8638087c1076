# Answers for `terraform test` in place of those of AWS. Every tests/*.tftest.hcl below infra reads this file.

mock_data "aws_availability_zones" {
  defaults = { names = ["ap-southeast-1a", "ap-southeast-1b", "ap-southeast-1c"] }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "111122223333" }
}

mock_data "aws_default_tags" {
  defaults = { tags = {} }
}

mock_data "aws_ec2_instance_type_offerings" {
  defaults = { locations = ["ap-southeast-1a", "ap-southeast-1b", "ap-southeast-1c"] }
}

mock_data "aws_ecr_lifecycle_policy_document" {
  defaults = { json = "{}" }
}

mock_data "aws_iam_openid_connect_provider" {
  defaults = { arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
}

mock_data "aws_iam_policy_document" {
  defaults = { json = "{}" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_ssm_parameter" {
  defaults = { insecure_value = "1.36.4-20260923" }
}
