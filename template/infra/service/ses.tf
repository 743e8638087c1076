# Email through Amazon SES, from the domain of the service. Only the worker may send, and only from that domain.

module "mail" {
  source   = "../modules/mail"
  for_each = module.domain

  name    = local.name
  domain  = each.key
  zone_id = each.value.zone_id
  region  = var.region
}

data "aws_iam_policy_document" "send_mail" {
  for_each = module.mail

  statement {
    sid       = "SendFromOwnDomain"
    actions   = ["ses:SendEmail"]
    resources = [each.value.identity_arn, each.value.configuration_set_arn]

    condition {
      test     = "StringLike"
      variable = "ses:FromAddress"
      values   = ["*@${each.key}"]
    }
  }
}

resource "aws_iam_role_policy" "send_mail" {
  for_each = data.aws_iam_policy_document.send_mail

  name   = "send-mail"
  role   = module.identity["worker"].role_name
  policy = each.value.json
}
