# Metrics of the application. An agent in the service's namespace (deploy/components/metrics) writes them as log events in embedded metric
# format; CloudWatch extracts them into a metric namespace with the service's name. The agent may only write to this log group.

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
