# Rights of the load balancer controller. It creates load balancers, listeners, target groups and rules, and may change those with this
# cluster's tag. Terraform creates the security groups, so the controller has no right on them.

locals {
  elb       = "arn:${data.aws_partition.current.partition}:elasticloadbalancing:${var.region}:${local.account}"
  balancers = ["${local.elb}:loadbalancer/app/*", "${local.elb}:targetgroup/*"]
  listeners = ["${local.elb}:listener/app/*", "${local.elb}:listener-rule/app/*"]
  elb_tag   = "elbv2.k8s.aws/cluster"
}

data "aws_iam_policy_document" "load_balancer" {
  statement {
    sid = "Look"
    actions = [
      "acm:ListCertificates",
      "ec2:DescribeAccountAttributes",
      "ec2:DescribeAddresses",
      "ec2:DescribeAvailabilityZones",
      "ec2:DescribeInstances",
      "ec2:DescribeInternetGateways",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeTags",
      "ec2:DescribeVpcPeeringConnections",
      "ec2:DescribeVpcs",
      "elasticloadbalancing:Describe*",
    ]
    resources = ["*"]
  }

  statement {
    sid     = "LookAtOwn"
    actions = ["acm:DescribeCertificate", "ec2:GetSecurityGroupsForVpc"]
    resources = [
      "arn:${data.aws_partition.current.partition}:acm:${var.region}:${local.account}:certificate/*",
      "arn:${data.aws_partition.current.partition}:ec2:${var.region}:${local.account}:vpc/*",
    ]
  }

  statement {
    sid       = "FirstLoadBalancerOfTheAccount"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:${data.aws_partition.current.partition}:iam::${local.account}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["elasticloadbalancing.amazonaws.com"]
    }
  }

  statement {
    sid       = "Create"
    actions   = ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"]
    resources = local.balancers

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.elb_tag}"
      values   = [local.name]
    }
  }

  statement {
    sid       = "TagWhatIsBeingCreated"
    actions   = ["elasticloadbalancing:AddTags"]
    resources = local.balancers

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.elb_tag}"
      values   = [local.name]
    }

    condition {
      test     = "StringEquals"
      variable = "elasticloadbalancing:CreateAction"
      values   = ["CreateLoadBalancer", "CreateTargetGroup"]
    }
  }

  statement {
    sid = "ChangeOwn"
    actions = [
      "elasticloadbalancing:AddTags",
      "elasticloadbalancing:CreateListener",
      "elasticloadbalancing:DeleteLoadBalancer",
      "elasticloadbalancing:DeleteTargetGroup",
      "elasticloadbalancing:DeregisterTargets",
      "elasticloadbalancing:ModifyLoadBalancerAttributes",
      "elasticloadbalancing:ModifyTargetGroup",
      "elasticloadbalancing:ModifyTargetGroupAttributes",
      "elasticloadbalancing:RegisterTargets",
      "elasticloadbalancing:RemoveTags",
      "elasticloadbalancing:SetIpAddressType",
      "elasticloadbalancing:SetSecurityGroups",
      "elasticloadbalancing:SetSubnets",
    ]
    resources = local.balancers

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/${local.elb_tag}"
      values   = [local.name]
    }
  }

  # Listeners and rules are tagged after they are created, so a condition on tags is not possible here.
  statement {
    sid = "Listeners"
    actions = [
      "elasticloadbalancing:AddListenerCertificates",
      "elasticloadbalancing:AddTags",
      "elasticloadbalancing:CreateRule",
      "elasticloadbalancing:DeleteListener",
      "elasticloadbalancing:DeleteRule",
      "elasticloadbalancing:ModifyListener",
      "elasticloadbalancing:ModifyListenerAttributes",
      "elasticloadbalancing:ModifyRule",
      "elasticloadbalancing:RemoveListenerCertificates",
      "elasticloadbalancing:RemoveTags",
      "elasticloadbalancing:SetRulePriorities",
    ]
    resources = local.listeners
  }
}
