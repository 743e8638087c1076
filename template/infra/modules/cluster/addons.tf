# Add-ons that nodes need to become ready. They use the host network or need no node, so they are created before the nodes. Version and
# configuration are pinned, so that a changed default of a new version never reaches a cluster without a review.

locals {
  host_network_configuration = {
    # Pods and NetworkPolicies use only the agent's IPv4 address.
    eks-pod-identity-agent = { agent = { additionalArgs = { "-b" = "169.254.170.23" } } }
    # AWS tests the network policy agent and targets of type ip with iptables.
    kube-proxy = { mode = "iptables" }
  }
}

resource "aws_eks_addon" "vpc_cni" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "vpc-cni"
  addon_version               = var.addon_versions["vpc-cni"]
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  # Without enableNetworkPolicy the cluster ignores every NetworkPolicy. Prefix delegation raises the limit of a t3.medium from 17 pods to 110.
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
  for_each = local.host_network_configuration

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = var.addon_versions[each.key]
  configuration_values        = jsonencode(each.value)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}
