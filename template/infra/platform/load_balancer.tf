# Bucket for the access logs of the load balancer. The load balancer controller creates the load balancer from an Ingress, which takes this
# bucket and the security group of modules/cluster from the contract.

locals {
  load_balancer_log_bucket = "${local.name}-alb-${local.account}"
}

data "aws_iam_policy_document" "load_balancer_logs" {
  statement {
    sid       = "DeliverAccessLogs"
    actions   = ["s3:PutObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${local.load_balancer_log_bucket}/AWSLogs/${local.account}/*"]

    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }
}

module "load_balancer_logs" {
  source = "../modules/s3_bucket"

  name            = local.load_balancer_log_bucket
  encryption      = "s3" # Access logs cannot use a KMS key.
  policies        = [data.aws_iam_policy_document.load_balancer_logs.json]
  expire_days     = var.log_retention_days
  noncurrent_days = 1
}
