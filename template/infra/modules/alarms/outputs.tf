output "arns" {
  description = "ARN of every alarm by name, composite alarms among them."
  value = merge(
    { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.arn },
    { for name, alarm in aws_cloudwatch_composite_alarm.this : name => alarm.arn },
  )
}

output "names" {
  description = "CloudWatch's name of every alarm by name, composite alarms among them."
  value       = { for name in keys(local.every) : name => "${var.name}-${name}" }
}
