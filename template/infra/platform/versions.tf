terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # Bucket, key and region come from environments/<environment>.platform.s3.tfbackend and `ops`.
  backend "s3" {}
}
