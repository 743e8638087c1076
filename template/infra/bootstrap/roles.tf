# plan reads everything and writes nothing; push writes images of the first environment; deploy reaches one environment's cluster. The rights inside the
# cluster are the service root's access entry. boundary.tf has the role that applies.

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

  # A plan makes up passwords that it throws away.
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

  # ReadOnlyAccess reads what services hold, of everybody in the account. A plan looks at resources, never at their contents. Objects,
  # parameters and services that the project does not use are out of reach by the boundary.
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

  # The first environment alone: what reaches the others goes through their deploys.
  statement {
    sid       = "Push"
    actions   = concat(local.pull_actions, local.push_actions)
    resources = ["${local.registry}/${var.environments[0]}/*"]
  }

  # The contract says where the repositories are.
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

# One role an environment: a job of dev cannot touch production.
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

  # Its own repositories: a release comes from the run that built it, never from another environment.
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
