output "urls" {
  description = "URL of each image's repository."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.repository_url }
}
