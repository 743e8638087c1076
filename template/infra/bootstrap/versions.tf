terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # Bucket, key and region come from environments/bootstrap.s3.tfbackend and `ops`.
  backend "s3" {}
}
