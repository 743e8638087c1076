# A domain that Amazon SES may send from: DKIM signatures, a custom MAIL FROM domain (SPF) and a DMARC policy.

resource "aws_sesv2_configuration_set" "this" {
  configuration_set_name = var.name

  delivery_options {
    tls_policy = "REQUIRE"
  }

  reputation_options {
    reputation_metrics_enabled = true
  }

  sending_options {
    sending_enabled = true
  }

  suppression_options {
    suppressed_reasons = ["BOUNCE", "COMPLAINT"]
  }
}

resource "aws_sesv2_email_identity" "this" {
  email_identity         = var.domain
  configuration_set_name = aws_sesv2_configuration_set.this.configuration_set_name

  dkim_signing_attributes {
    next_signing_key_length = "RSA_2048_BIT"
  }
}

resource "aws_sesv2_email_identity_mail_from_attributes" "this" {
  email_identity         = aws_sesv2_email_identity.this.email_identity
  behavior_on_mx_failure = "REJECT_MESSAGE"
  mail_from_domain       = "bounce.${var.domain}"

  depends_on = [aws_route53_record.this]
}

# SES creates three DKIM keys. Their names are known only after the identity is created.
resource "aws_route53_record" "dkim" {
  for_each = { for index in [0, 1, 2] : tostring(index) => index }

  zone_id = var.zone_id
  name    = "${aws_sesv2_email_identity.this.dkim_signing_attributes[0].tokens[each.value]}._domainkey.${var.domain}"
  type    = "CNAME"
  records = ["${aws_sesv2_email_identity.this.dkim_signing_attributes[0].tokens[each.value]}.dkim.amazonses.com"]
  ttl     = 3600
}

resource "aws_route53_record" "this" {
  for_each = {
    return_path = { name = "bounce.${var.domain}", type = "MX", value = "10 feedback-smtp.${var.region}.amazonses.com" }
    spf         = { name = "bounce.${var.domain}", type = "TXT", value = "v=spf1 include:amazonses.com -all" }
    dmarc       = { name = "_dmarc.${var.domain}", type = "TXT", value = "v=DMARC1; p=quarantine; adkim=s; aspf=r" }
  }

  zone_id = var.zone_id
  name    = each.value.name
  type    = each.value.type
  records = [each.value.value]
  ttl     = 3600
}
