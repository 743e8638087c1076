# Add-ons that nodes need to become ready. They run on the host's network or need no node, so they come first. Each has a version and
# a configuration of its own: a default that a new version changes reaches no cluster unread.

locals {
  host_network_configuration = {
    # Pods and NetworkPolicies know the agent by its IPv4 address alone.
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
  for_each = local.host_network_configuration

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = var.addon_versions[each.key]
  configuration_values        = jsonencode(each.value)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}
