# One identity for each controller of the cluster, by Pod Identity. Rights on resources of one service (DNS zone, web ACL) are not here:
# the service's root adds them to the role that the contract names. External Secrets is the exception: its role can assume the secrets
# reader of every service, so no service may change it, and all of its rights are in this file.

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
      policies  = { become-readers = data.aws_iam_policy_document.secrets.json }
    }
    load-balancer = {
      namespace = "kube-system"
      policies  = { balance = data.aws_iam_policy_document.load_balancer.json }
    }
  }

  # Service accounts that the chart names differently from the controller.
  controller_accounts = { load-balancer = "aws-load-balancer-controller" }

  secrets_readers = ["arn:${data.aws_partition.current.partition}:iam::${local.account}:role/*-${var.environment}-secrets-reader"]
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

# Reads are not restricted; writes are restricted to this cluster's node groups, by the tag that EKS sets.
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

# Each service has a role that reads its secrets and trusts this controller (service/identities.tf). The name and the tag Environment
# restrict the controller to the readers of this environment.
data "aws_iam_policy_document" "secrets" {
  statement {
    sid       = "BecomeReaders"
    actions   = ["sts:AssumeRole"]
    resources = local.secrets_readers

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Environment"
      values   = [var.environment]
    }
  }

  # Pod Identity passes its session tags to the assumed role, which requires sts:TagSession. On its own, this right grants nothing.
  statement {
    sid       = "KeepSessionTags"
    actions   = ["sts:TagSession"]
    resources = local.secrets_readers
  }
}
