# Zone and certificate of one host name. external-dns writes the records of the load balancer, which exists only after the first deploy.

resource "aws_route53_zone" "this" {
  # checkov:skip=CKV2_AWS_38,CKV2_AWS_39: DNSSEC needs a record in the parent zone, which may belong to somebody else; a query log adds nothing to the load balancer's access log.
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

# ACM can validate the certificate only once the parent zone delegates to this zone; until then this resource would time out.
resource "aws_acm_certificate_validation" "this" {
  for_each = toset(var.delegated ? [var.domain] : [])

  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [aws_route53_record.validation[each.value].fqdn]

  timeouts {
    create = "15m"
  }
}

# Delegates a name below this domain to another zone, such as that of another environment.
resource "aws_route53_record" "delegation" {
  for_each = var.delegations

  zone_id = aws_route53_zone.this.zone_id
  name    = "${each.key}.${var.domain}"
  type    = "NS"
  records = each.value
  ttl     = 3600
}
