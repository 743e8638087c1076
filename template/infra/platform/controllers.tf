# One identity for each controller of the cluster, by Pod Identity. What belongs to one service alone (its secrets, its DNS
# zone) is not here: the service's root adds that to the role whose name the contract gives.

locals {
  controllers = {
    cluster-autoscaler = {
      namespace = "kube-system"
      policies  = { scale = data.aws_iam_policy_document.autoscaler.json }
    }
    external-dns = {
      namespace = "external-dns"
      policies  = { list = data.aws_iam_policy_document.dns.json }
    }
    external-secrets = {
      namespace = "external-secrets"
      policies  = {}
    }
    load-balancer = {
      namespace = "kube-system"
      policies  = { balance = data.aws_iam_policy_document.load_balancer.json }
    }
  }

  # Names of the service accounts, where the chart's differ from the controller's.
  controller_accounts = { load-balancer = "aws-load-balancer-controller" }
}

module "controller" {
  source   = "../modules/identity"
  for_each = local.controllers

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-${each.key}"
  description          = "The controller ${each.key} of ${local.name}, by Pod Identity."
  cluster_name         = module.cluster.name
  service_account      = { namespace = each.value.namespace, name = lookup(local.controller_accounts, each.key, each.key) }
  policies             = each.value.policies
}

# Reads may look everywhere; writes only touch node groups of this cluster, which EKS tags so.
data "aws_iam_policy_document" "autoscaler" {
  statement {
    sid = "Look"
    actions = [
      "autoscaling:DescribeAutoScalingGroups",
      "autoscaling:DescribeAutoScalingInstances",
      "autoscaling:DescribeLaunchConfigurations",
      "autoscaling:DescribeScalingActivities",
      "autoscaling:DescribeTags",
      "ec2:DescribeImages",
      "ec2:DescribeInstanceTypes",
      "ec2:DescribeLaunchTemplateVersions",
      "ec2:GetInstanceTypesFromInstanceRequirements",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "LookAtNodeGroups"
    actions   = ["eks:DescribeNodegroup"]
    resources = ["arn:${data.aws_partition.current.partition}:eks:${var.region}:${local.account}:nodegroup/${local.name}/*/*"]
  }

  statement {
    sid       = "Scale"
    actions   = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    resources = ["arn:${data.aws_partition.current.partition}:autoscaling:${var.region}:${local.account}:autoScalingGroup:*:autoScalingGroupName/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/k8s.io/cluster-autoscaler/${local.name}"
      values   = ["owned"]
    }
  }
}

data "aws_iam_policy_document" "dns" {
  statement {
    sid       = "Look"
    actions   = ["route53:ListHostedZones", "route53:ListHostedZonesByName"]
    resources = ["*"]
  }

  statement {
    sid       = "LookAtTags"
    actions   = ["route53:ListTagsForResources"]
    resources = ["arn:${data.aws_partition.current.partition}:route53:::hostedzone/*"]
  }
}
