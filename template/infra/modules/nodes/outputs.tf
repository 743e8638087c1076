output "role_arn" {
  description = "Role of the nodes."
  value       = aws_iam_role.nodes.arn
}

output "launch_template" {
  description = "Launch template: ID and version."
  value       = { id = aws_launch_template.this.id, version = aws_launch_template.this.latest_version }
}

output "release_version" {
  description = "Newest AMI release of the nodes' Kubernetes version and architecture."
  value       = data.aws_ssm_parameter.release_version.insecure_value
}

output "ami_type" {
  description = "AMI type of the nodes."
  value       = local.ami_type
}

output "node_group_name" {
  description = "Name of the on-demand group."
  value       = aws_eks_node_group.on_demand.node_group_name
}
