# The web application firewall. The load balancer controller associates it with the load balancer, because an annotation of the Ingress
# names it, so the controller gets that right here.

variable "waf" {
  description = "Whether the load balancer has a web application firewall."
  type        = bool
}

locals {
  firewall_acl_arn = one(concat([for firewall in module.waf : firewall.acl_arn], var.waf ? [] : [""]))
}

module "waf_log" {
  source   = "../modules/log_groups"
  for_each = toset(var.waf ? ["this"] : [])

  names          = { refused = "aws-waf-logs-${local.name}" }
  retention_days = var.log_retention_days
  key_arn        = module.kms_key.arn
}

module "waf" {
  source   = "../modules/waf"
  for_each = module.waf_log

  name          = local.name
  log_group_arn = each.value.arns["refused"]
}

data "aws_iam_policy_document" "attach_firewall" {
  for_each = module.waf

  statement {
    sid       = "Attach"
    actions   = ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "wafv2:GetWebACL", "wafv2:GetWebACLForResource"]
    resources = [each.value.acl_arn, "arn:${data.aws_partition.current.partition}:elasticloadbalancing:${var.region}:${local.account}:loadbalancer/app/*"]
  }

  statement {
    sid       = "SetOnLoadBalancer"
    actions   = ["elasticloadbalancing:SetWebAcl"]
    resources = ["arn:${data.aws_partition.current.partition}:elasticloadbalancing:${var.region}:${local.account}:loadbalancer/app/*"]
  }
}

resource "aws_iam_role_policy" "attach_firewall" {
  for_each = data.aws_iam_policy_document.attach_firewall

  name   = "${var.service}-firewall"
  role   = local.platform.load_balancer_role_name
  policy = each.value.json
}
