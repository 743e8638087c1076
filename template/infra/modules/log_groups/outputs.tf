output "names" {
  description = "Name of each group, once it exists."
  value       = { for key, group in aws_cloudwatch_log_group.this : key => group.name }
}

output "arns" {
  description = "ARN of each group."
  value       = { for key, group in aws_cloudwatch_log_group.this : key => group.arn }
}
