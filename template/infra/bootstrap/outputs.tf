output "state_bucket" {
  description = "Bucket of the states."
  value       = module.state.name
}

output "plan_role_arn" {
  description = "Role of plans on pull requests."
  value       = aws_iam_role.plan.arn
}

output "push_role_arn" {
  description = "Role that pushes images."
  value       = aws_iam_role.push.arn
}

output "deploy_role_arns" {
  description = "Role of each environment's deploys: the value of the variable AWS_ROLE_ARN in the GitHub environment."
  value       = { for environment, role in aws_iam_role.deploy : environment => role.arn }
}

output "apply_role_arns" {
  description = "Role that applies each environment's infrastructure, for the GitHub environment <environment>-infrastructure."
  value       = { for environment, role in aws_iam_role.apply : environment => role.arn }
}

output "permissions_boundaries" {
  description = "Permissions boundary of each environment's roles: the value of permissions_boundary in the other roots."
  value       = { for environment in var.environments : environment => aws_iam_policy.boundary[environment].name }
}
