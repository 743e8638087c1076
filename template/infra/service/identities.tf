# One role for each service account. None of the three calls AWS APIs, so none has a policy. The roles still exist, so that a pod never
# uses the rights of another identity.

module "identity" {
  source   = "../modules/identity"
  for_each = toset(["api", "migrate", "worker"])

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-${each.key}"
  description          = "The ${each.key} of ${local.name}, by Pod Identity."
  cluster_name         = local.platform.cluster_name
  service_account      = { namespace = var.service, name = each.key }
}

# External Secrets runs once per cluster, for all services. Each service has its own reader role, which the SecretStore in its namespace
# names (deploy/access). The platform allows External Secrets to assume every reader of the environment, and the policy below trusts it.
# External Secrets has no other right to read secrets, so a store gives access only to the secrets of its service.
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

# Sessions of Pod Identity have transitive tags, which are passed to the assumed role, so the trust policy must allow sts:TagSession.
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

# Deploys from GitHub Actions connect to the cluster as a group without rights. deploy/access grants the group its rights, only in the
# service's namespace.
resource "aws_eks_access_entry" "deploy" {
  cluster_name      = local.platform.cluster_name
  principal_arn     = "arn:${data.aws_partition.current.partition}:iam::${local.account}:role/${local.name}-deploy"
  kubernetes_groups = ["${var.service}-deployers"]
}
