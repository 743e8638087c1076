# Roles of GitHub Actions: plan only reads; push writes images of the first environment; deploy pushes images of one environment and
# connects to its cluster, where the access entry of the service root grants its rights. The apply roles are in apply.tf.

locals {
  registry = "arn:${local.partition}:ecr:${var.region}:${local.account}:repository/${var.service}"

  pull_actions = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
  ]

  push_actions = [
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
  ]

  content_actions = [
    "cognito-idp:AdminGet*",
    "cognito-idp:AdminList*",
    "cognito-idp:ListUsers*",
    "ec2:GetConsole*",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "logs:FilterLogEvents",
    "logs:Get*Events",
    "logs:GetLogObject",
    "logs:GetLogRecord",
    "logs:GetQueryResults",
    "logs:Start*",
    "logs:Unmask",
    "rds:Download*",
    "xray:BatchGetTraces",
    "xray:GetTrace*",
  ]
}

resource "aws_iam_role" "plan" {
  name                 = "${var.service}-plan"
  description          = "Plans of ${var.service} on pull requests: reads only."
  assume_role_policy   = data.aws_iam_policy_document.trust["plan"].json
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.boundary["account"].arn
}

resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.plan.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/ReadOnlyAccess"
}

data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "ReadState"
    actions   = ["kms:Decrypt"]
    resources = [module.kms_key.arn]
  }

  # Terraform opens ephemeral resources in a plan too: it generates passwords and discards them.
  statement {
    sid       = "MakeUpPasswords"
    actions   = ["secretsmanager:GetRandomPassword"]
    resources = ["*"]
  }

  statement {
    sid       = "NoSecrets"
    effect    = "Deny"
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"]
    resources = ["*"]
  }

  # ReadOnlyAccess includes the data of everybody in the account, such as log events. A plan needs only the configuration of resources.
  # The boundary already denies other S3 objects and parameters, and services that the project does not use.
  statement {
    sid       = "NoContents"
    effect    = "Deny"
    actions   = local.content_actions
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "plan" {
  name   = "plan"
  role   = aws_iam_role.plan.name
  policy = data.aws_iam_policy_document.plan.json
}

resource "aws_iam_role" "push" {
  name                 = "${var.service}-push"
  description          = "Pushes images of ${var.service} to ${var.environments[0]} from the main branch."
  assume_role_policy   = data.aws_iam_policy_document.trust["push"].json
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.boundary["account"].arn
}

data "aws_iam_policy_document" "push" {
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  # Only the first environment: the deploy jobs push the images of the others.
  statement {
    sid       = "Push"
    actions   = concat(local.pull_actions, local.push_actions)
    resources = ["${local.registry}/${var.environments[0]}/*"]
  }

  # The contract holds the URLs of the repositories.
  statement {
    sid       = "ReadContract"
    actions   = ["ssm:GetParameter"]
    resources = ["arn:${local.partition}:ssm:${var.region}:${local.account}:parameter/service/${var.service}/${var.environments[0]}/contract"]
  }
}

resource "aws_iam_role_policy" "push" {
  name   = "push"
  role   = aws_iam_role.push.name
  policy = data.aws_iam_policy_document.push.json
}

# One role per environment, so that a job of dev cannot change production.
resource "aws_iam_role" "deploy" {
  for_each = toset(var.environments)

  name                 = "${var.service}-${each.key}-deploy"
  description          = "Deploys ${var.service} to ${each.key}."
  assume_role_policy   = data.aws_iam_policy_document.trust["deploy-${each.key}"].json
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.boundary[each.key].arn
}

data "aws_iam_policy_document" "deploy" {
  for_each = toset(var.environments)

  statement {
    sid       = "FindCluster"
    actions   = ["eks:DescribeCluster"]
    resources = ["arn:${local.partition}:eks:${var.region}:${local.account}:cluster/${var.platform_name}-${each.key}"]
  }

  statement {
    sid       = "ReadContract"
    actions   = ["ssm:GetParameter"]
    resources = ["arn:${local.partition}:ssm:${var.region}:${local.account}:parameter/service/${var.service}/${each.key}/contract"]
  }

  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  # Only the environment's own repositories: images come from the artifacts of the run that built them, never from another environment.
  statement {
    sid       = "Push"
    actions   = concat(local.pull_actions, local.push_actions)
    resources = ["${local.registry}/${each.key}/*"]
  }
}

resource "aws_iam_role_policy" "deploy" {
  for_each = aws_iam_role.deploy

  name   = "deploy"
  role   = each.value.name
  policy = data.aws_iam_policy_document.deploy[each.key].json
}
