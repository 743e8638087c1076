# Zone and certificate of one host name. The records of the load balancer itself are external-dns's: it knows the load
# balancer, which exists only after the first deploy.

resource "aws_route53_zone" "this" {
  # checkov:skip=CKV2_AWS_38,CKV2_AWS_39: DNSSEC needs a record in a parent zone that may be another's; queries hold nothing that the load balancer's log does not.
  name    = var.domain
  comment = "Host name of ${var.name}"
}

resource "aws_acm_certificate" "this" {
  domain_name       = var.domain
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = toset([var.domain])

  zone_id = aws_route53_zone.this.zone_id
  name    = one([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_name if option.domain_name == each.value])
  type    = one([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_type if option.domain_name == each.value])
  records = [one([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_value if option.domain_name == each.value])]
  ttl     = 300
}

# Only a zone that the parent names can be validated; before that the wait would run into its limit.
resource "aws_acm_certificate_validation" "this" {
  for_each = toset(var.delegated ? [var.domain] : [])

  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [aws_route53_record.validation[each.value].fqdn]

  timeouts {
    create = "15m"
  }
}

# Hands a name below this one to a zone elsewhere, such as the one of another environment.
resource "aws_route53_record" "delegation" {
  for_each = var.delegations

  zone_id = aws_route53_zone.this.zone_id
  name    = "${each.key}.${var.domain}"
  type    = "NS"
  records = each.value
  ttl     = 3600
}
