# Role that applies a reviewed plan of one environment. Terraform must be able to create, change and delete every resource of the roots,
# so the role has all rights that the boundary allows. Its trust policy protects it: only jobs of a separate GitHub environment, with its
# own approval, can assume it.
resource "aws_iam_role" "apply" {
  for_each = toset(var.environments)

  name                 = "${var.service}-${each.key}-apply"
  description          = "Applies the infrastructure of ${var.service} in ${each.key}."
  assume_role_policy   = data.aws_iam_policy_document.trust["apply-${each.key}"].json
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.boundary[each.key].arn
}

resource "aws_iam_role_policy" "apply" {
  for_each = aws_iam_role.apply

  name   = "apply"
  role   = each.value.name
  policy = data.aws_iam_policy_document.boundary[each.key].json
}
