# Add-ons that nodes need to become ready. They run on the host's network or need no node, so they come first.

resource "aws_eks_addon" "vpc_cni" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "vpc-cni"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"

  # Without enableNetworkPolicy the cluster ignores every NetworkPolicy. Prefix delegation lifts a t3.medium from 17 pods to 110.
  configuration_values = jsonencode({
    enableNetworkPolicy = "true"
    env = {
      ENABLE_PREFIX_DELEGATION = "true"
      WARM_PREFIX_TARGET       = "1"
    }
  })

  pod_identity_association {
    role_arn        = aws_iam_role.network.arn
    service_account = "aws-node"
  }

  depends_on = [aws_eks_addon.host_network, aws_iam_role_policy_attachment.network]
}

resource "aws_eks_addon" "host_network" {
  for_each = toset(["eks-pod-identity-agent", "kube-proxy"])

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
}
