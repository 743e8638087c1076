# Actions of IAM that every role is denied.

data "aws_iam_policy_document" "boundary_roles" {
  for_each = local.boundaries

  # UpdateAssumeRolePolicy, PassRole and the tags of roles know no condition on boundaries: the names of roles hold them.
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

  # A platform's controllers carry the boundary of the service that made it, so any project's will do.
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

  # The doors themselves are a person's work: this root's.
  statement {
    sid       = "KeepDoors"
    effect    = "Deny"
    actions   = ["iam:*RolePermissionsBoundary", "iam:*RolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:Update*", "sts:AssumeRole"]
    resources = local.doors
  }
}
