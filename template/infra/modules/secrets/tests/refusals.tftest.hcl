# Refusals of this module, and a plan that it accepts.

# The passwords are ephemeral, and Terraform 1.11 mocks no ephemeral resource. Without a secret that has one, a plan asks AWS
# nothing: any credentials do.
provider "aws" {
  region                      = "ap-southeast-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  prefix        = "shop/production"
  key_arn       = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
  logins        = {}
  tokens        = []
  by_hand       = ["external-api-keys"]
  versions      = {}
  recovery_days = 7
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    versions      = { cache = 0 }
    recovery_days = 3
  }

  expect_failures = [var.versions, var.recovery_days]
}
