# Zone and certificate of the host name, and the rights of external-dns on this zone. Without a host name there are no resources.

module "domain" {
  source   = "../modules/domain"
  for_each = toset(var.domain == "" ? [] : [var.domain])

  name        = local.name
  domain      = each.value
  delegated   = var.domain_delegated
  delegations = var.delegations
}

data "aws_iam_policy_document" "write_records" {
  for_each = module.domain

  statement {
    sid       = "WriteRecords"
    actions   = ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"]
    resources = [each.value.zone_arn]
  }
}

resource "aws_iam_role_policy" "write_records" {
  for_each = data.aws_iam_policy_document.write_records

  name   = "${var.service}-dns"
  role   = local.platform.external_dns_role_name
  policy = each.value.json
}

# Once the parent delegates to this zone, it is authoritative for all names below, and delegations of those names in the parent are ignored.
check "environments_below_stay_delegated" {
  assert {
    condition     = !var.domain_delegated || length(setsubtract(var.environments_below, keys(var.delegations))) == 0
    error_message = "delegations lacks ${join(", ", setsubtract(var.environments_below, keys(var.delegations)))}: their host names stop to resolve once ${var.domain} is delegated. Take the name servers from the output name_servers of each."
  }
}
