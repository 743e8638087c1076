# Denies every role the IAM actions that would let it escape its boundary.

data "aws_iam_policy_document" "boundary_roles" {
  for_each = local.boundaries

  # UpdateAssumeRolePolicy, PassRole and TagRole do not support the condition key iam:PermissionsBoundary, so role names restrict them.
  statement {
    sid    = "OwnRolesAlone"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy",
      "iam:CreateRole",
      "iam:DeleteRole",
      "iam:DetachRolePolicy",
      "iam:PassRole",
      "iam:PutRolePermissionsBoundary",
      "iam:TagRole",
      "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole*",
    ]
    not_resources = local.own_roles[each.key]
  }

  statement {
    sid           = "OwnPoliciesAlone"
    effect        = "Deny"
    actions       = ["iam:DeleteRolePolicy", "iam:PutRolePolicy"]
    not_resources = distinct(concat(local.own_roles[each.key], local.controllers[each.key]))
  }

  # Roles are created with this boundary, and it cannot be removed.
  statement {
    sid       = "RolesStayInside"
    effect    = "Deny"
    actions   = ["iam:CreateRole", "iam:PutRolePermissionsBoundary"]
    resources = ["*"]

    condition {
      test     = "StringNotEquals"
      variable = "iam:PermissionsBoundary"
      values   = local.boundary_arns[each.key]
    }
  }

  # The controllers of a shared platform have the boundary of the project that created it, so every boundary of the account is accepted.
  statement {
    sid       = "PoliciesStayInside"
    effect    = "Deny"
    actions   = ["iam:AttachRolePolicy", "iam:PutRolePolicy"]
    resources = ["*"]

    condition {
      test     = "StringNotLike"
      variable = "iam:PermissionsBoundary"
      values   = ["arn:${local.partition}:iam::${local.account}:policy/*-boundary"]
    }
  }

  # Only a person may change the roles that GitHub Actions assumes, by applying this root.
  statement {
    sid       = "KeepDoors"
    effect    = "Deny"
    actions   = ["iam:*RolePermissionsBoundary", "iam:*RolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:Update*", "sts:AssumeRole"]
    resources = local.doors
  }
}
