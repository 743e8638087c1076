output "arn" {
  description = "ARN of the topic, once its policy admits the publishers: AWS refuses a budget whose topic it may not publish to."
  value       = aws_sns_topic.this.arn
  depends_on  = [aws_sns_topic_policy.this]
}
