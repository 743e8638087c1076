output "arn" {
  description = "ARN of the topic, once its policy lets the publishers in: AWS refuses a budget whose topic it may not write to."
  value       = aws_sns_topic.this.arn
  depends_on  = [aws_sns_topic_policy.this]
}
