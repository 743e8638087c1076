# The application's own metrics: an agent in the service's namespace (deploy/components/metrics) writes them as log events, from
# which CloudWatch makes metrics in the namespace of the service's name. It may write to that log group and do nothing else.

data "aws_iam_policy_document" "metrics" {
  statement {
    sid       = "WriteMetrics"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${module.log_groups.arns["metrics"]}:*"]
  }
}

module "metrics_identity" {
  source = "../modules/identity"

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-metrics"
  description          = "The agent that passes the metrics of ${local.name} on, by Pod Identity."
  cluster_name         = local.platform.cluster_name
  service_account      = { namespace = var.service, name = "metrics" }
  policies             = { write = data.aws_iam_policy_document.metrics.json }
}
