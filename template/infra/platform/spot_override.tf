# Terraform merges this over cluster.tf: schedules and outputs see both groups.

locals {
  node_groups = {
    (module.nodes.node_group_name)            = { min = var.node_min, max = var.node_max }
    (aws_eks_node_group.spot.node_group_name) = { min = 0, max = var.spot_max }
  }
}
