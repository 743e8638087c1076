output "certificate_arn" {
  description = "ARN of the certificate."
  value       = aws_acm_certificate.this.arn
  depends_on  = [aws_acm_certificate_validation.this]
}

output "zone_id" {
  description = "ID of the zone."
  value       = aws_route53_zone.this.zone_id
}

output "zone_arn" {
  description = "ARN of the zone."
  value       = aws_route53_zone.this.arn
}

output "name_servers" {
  description = "Name servers that the parent zone has to name."
  value       = aws_route53_zone.this.name_servers
}
