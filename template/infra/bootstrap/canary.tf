# A canary release reads its traffic weights from the load balancer and compares metrics of both versions. AWS offers no resource-level
# permissions for these calls.

data "aws_iam_policy_document" "canary" {
  statement {
    sid = "ReadWeights"
    actions = [
      "elasticloadbalancing:DescribeListeners",
      "elasticloadbalancing:DescribeLoadBalancers",
      "elasticloadbalancing:DescribeRules",
      "elasticloadbalancing:DescribeTags",
      "elasticloadbalancing:DescribeTargetGroups",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "ReadMetrics"
    actions   = ["cloudwatch:GetMetricData"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "canary" {
  for_each = aws_iam_role.deploy

  name   = "canary"
  role   = each.value.name
  policy = data.aws_iam_policy_document.canary.json
}
