output "name" {
  description = "Name of the cluster, once nodes may join it."
  value       = aws_eks_cluster.this.name
  depends_on  = [aws_eks_addon.vpc_cni, aws_eks_addon.host_network]
}

output "version" {
  description = "Kubernetes version of the control plane."
  value       = aws_eks_cluster.this.version
}

output "security_group_id" {
  description = "The EKS group: control plane, nodes and pods."
  value       = aws_security_group.this.id
}

output "load_balancer_security_group_id" {
  description = "Security group of the load balancer."
  value       = aws_security_group.load_balancer.id
}

output "oidc_provider_arn" {
  description = "ARN of the cluster's OIDC provider."
  value       = aws_iam_openid_connect_provider.this.arn
}
