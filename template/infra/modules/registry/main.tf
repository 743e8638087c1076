# One private repository per image. Tags are immutable, and deploys reference digests.

resource "aws_ecr_repository" "this" {
  for_each = toset(var.images)

  name                 = "${var.prefix}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_delete

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

# ECR applies only the first matching rule to an image. So the last 30 deployed images are kept, no matter how many others were built.
data "aws_ecr_lifecycle_policy_document" "this" {
  rule {
    priority    = 1
    description = "Keep the last 30 that were deployed"

    selection {
      tag_status       = "tagged"
      tag_pattern_list = ["deployed-*"]
      count_type       = "imageCountMoreThan"
      count_number     = 30
    }
  }

  rule {
    priority    = 2
    description = "Drop untagged images after 7 days"

    selection {
      tag_status   = "untagged"
      count_type   = "sinceImagePushed"
      count_unit   = "days"
      count_number = 7
    }
  }

  rule {
    priority    = 3
    description = "Keep the last 30 of the others"

    selection {
      tag_status   = "any"
      count_type   = "imageCountMoreThan"
      count_number = 30
    }
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = data.aws_ecr_lifecycle_policy_document.this.json
}
