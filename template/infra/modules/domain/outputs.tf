output "certificate_arn" {
  description = "ARN of the certificate once it is issued; empty before, because a load balancer refuses a pending certificate."
  value       = one(concat([for validation in aws_acm_certificate_validation.this : validation.certificate_arn], var.delegated ? [] : [""]))
}

output "requested_certificate_arn" {
  description = "ARN of the certificate, issued or not."
  value       = aws_acm_certificate.this.arn
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
  description = "Name servers for the delegation in the parent zone."
  value       = aws_route53_zone.this.name_servers
}
