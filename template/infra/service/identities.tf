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

# External Secrets runs once a cluster and serves every service on it. Each service has a reader of its own, which the store
# in its namespace names (deploy/access): the platform lets its controller become any reader of the environment, and the trust
# below is what this reader asks for. The controller cannot read a secret itself, so who may use a store reads this service's
# path and no other.
data "aws_iam_policy_document" "read_secrets" {
  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = ["arn:${data.aws_partition.current.partition}:secretsmanager:${var.region}:${local.account}:secret:${var.service}/${var.environment}/*"]
  }

  statement {
    sid       = "Decrypt"
    actions   = ["kms:Decrypt"]
    resources = [module.kms_key.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com"]
    }
  }
}

# Sessions of Pod Identity carry tags that go with them into the next role, so the trust takes sts:TagSession too.
data "aws_iam_policy_document" "secrets_reader_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${local.account}:role/${local.platform.external_secrets_role_name}"]
    }
  }
}

resource "aws_iam_role" "secrets_reader" {
  name                 = "${local.name}-secrets-reader"
  description          = "External Secrets reads the secrets of ${local.name} as this role."
  assume_role_policy   = data.aws_iam_policy_document.secrets_reader_trust.json
  permissions_boundary = local.permissions_boundary
}

resource "aws_iam_role_policy" "read_secrets" {
  name   = "read-secrets"
  role   = aws_iam_role.secrets_reader.name
  policy = data.aws_iam_policy_document.read_secrets.json
}

# Deploys from GitHub Actions enter the cluster as a group without a right. deploy/access gives the group its rights in the
# service's namespace, and nowhere else.
resource "aws_eks_access_entry" "deploy" {
  cluster_name      = local.platform.cluster_name
  principal_arn     = "arn:${data.aws_partition.current.partition}:iam::${local.account}:role/${local.name}-deploy"
  kubernetes_groups = ["${var.service}-deployers"]
}
