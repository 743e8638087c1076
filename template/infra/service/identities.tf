# One role for each service account. Today none of the three calls AWS, so none has a policy: a role without a right is what
# keeps a pod from having another's.

module "identity" {
  source   = "../modules/identity"
  for_each = toset(["api", "migrate", "worker"])

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-${each.key}"
  description          = "The ${each.key} of ${local.name}, by Pod Identity."
  cluster_name         = local.platform.cluster_name
  service_account      = { namespace = var.service, name = each.key }
}

# External Secrets runs once a cluster. It may read this service's path.
data "aws_iam_policy_document" "read_secrets" {
  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = ["arn:${data.aws_partition.current.partition}:secretsmanager:${var.region}:${local.account}:secret:${var.service}/${var.environment}/*"]
  }

  statement {
    sid       = "Decrypt"
    actions   = ["kms:Decrypt"]
    resources = [module.key.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "read_secrets" {
  name   = "${var.service}-secrets"
  role   = local.platform.external_secrets_role_name
  policy = data.aws_iam_policy_document.read_secrets.json
}

# Deploys from GitHub Actions enter the cluster as a group without a right. deploy/access gives the group its rights in the
# service's namespace, and nowhere else.
resource "aws_eks_access_entry" "deploy" {
  cluster_name      = local.platform.cluster_name
  principal_arn     = "arn:${data.aws_partition.current.partition}:iam::${local.account}:role/${local.name}-deploy"
  kubernetes_groups = ["${var.service}-deployers"]
}
