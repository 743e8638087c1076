output "names" {
  description = "Name of each secret in Secrets Manager."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.name }
}

output "arns" {
  description = "ARN of each secret."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}

output "versions" {
  description = "Version of each generated value, once it is written."
  value       = { for name, version in aws_secretsmanager_secret_version.generated : name => version.secret_string_wo_version }
}
