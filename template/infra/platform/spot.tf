# Spot nodes in addition to the on-demand nodes. All types have the same vCPU and memory, because Cluster Autoscaler assumes that for a node
# group; there are at least four, so that a shortage of one does not empty the group. The taint keeps other pods off these nodes, because
# AWS reclaims them with two minutes' notice.

variable "spot_instance_types" {
  description = "Instance types of one architecture, vCPU and memory."
  type        = list(string)

  validation {
    condition     = length(var.spot_instance_types) >= 4
    error_message = "Spot needs at least 4 types of one shape."
  }
}

variable "spot_max" {
  description = "Maximum number of spot nodes."
  type        = number

  validation {
    condition     = var.spot_max >= 1 && var.spot_max <= 200
    error_message = "spot_max is from 1 to 200."
  }
}

locals {
  spot_group_name = "spot"
}

resource "aws_eks_node_group" "spot" {
  cluster_name    = module.cluster.name
  node_group_name = local.spot_group_name
  node_role_arn   = module.nodes.role_arn
  subnet_ids      = local.private_subnet_ids
  ami_type        = module.nodes.ami_type
  capacity_type   = "SPOT"
  instance_types  = var.spot_instance_types
  version         = module.cluster.version
  release_version = module.nodes.release_version
  labels          = { spot = "true" }

  launch_template {
    id      = module.nodes.launch_template.id
    version = module.nodes.launch_template.version
  }

  scaling_config {
    min_size     = 0
    max_size     = var.spot_max
    desired_size = 0
  }

  taint {
    key    = "spot"
    value  = "true"
    effect = "NO_SCHEDULE"
  }

  update_config {
    max_unavailable = 1
  }

  node_repair_config {
    enabled = true
  }

  lifecycle {
    # Cluster Autoscaler sets the number of nodes.
    ignore_changes = [scaling_config[0].desired_size]
  }
}
