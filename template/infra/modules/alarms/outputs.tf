output "arns" {
  description = "ARN of every alarm by name, including composite alarms."
  value = merge(
    { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.arn },
    { for name, alarm in aws_cloudwatch_composite_alarm.this : name => alarm.arn },
  )
}

output "names" {
  description = "Name in CloudWatch of every alarm by name, including composite alarms."
  value       = { for name in keys(local.every) : name => "${var.name}-${name}" }
}
