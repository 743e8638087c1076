# The on-demand node group, and the launch template and role that any further group of the platform shares.

data "aws_partition" "current" {}

data "aws_default_tags" "current" {}

locals {
  ami_type = { arm64 = "AL2023_ARM_64_STANDARD", x86_64 = "AL2023_x86_64_STANDARD" }[var.architecture]

  # The default of EKS ignores prefix delegation. AWS recommends at most 110 pods on nodes with fewer than 30 vCPUs.
  node_config = <<-EOT
    MIME-Version: 1.0
    Content-Type: multipart/mixed; boundary="//"

    --//
    Content-Type: application/node.eks.aws

    apiVersion: node.eks.aws/v1alpha1
    kind: NodeConfig
    spec:
      kubelet:
        config:
          maxPods: ${var.max_pods}

    --//--
  EOT
}

# The newest AMI of the minor version. A plan shows when nodes are outdated, and an apply replaces them one by one.
data "aws_ssm_parameter" "release_version" {
  name = "/aws/service/eks/optimized-ami/${var.kubernetes_version}/amazon-linux-2023/${var.architecture}/standard/recommended/release_version"
}

resource "aws_launch_template" "this" {
  name                   = var.name
  description            = "Nodes of ${var.name}"
  update_default_version = true
  vpc_security_group_ids = [var.security_group_id]
  user_data              = base64encode(local.node_config)

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.disk_gb
      encrypted             = true
      delete_on_termination = true
    }
  }

  # Hop limit 1: a pod cannot reach the node's credentials.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # The provider's default tags apply to the launch template, but not to the instances, volumes and interfaces that it creates.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.value
      tags          = merge(data.aws_default_tags.current.tags, { Name = var.name })
    }
  }
}

resource "aws_eks_node_group" "on_demand" {
  cluster_name    = var.cluster_name
  node_group_name = "on-demand"
  node_role_arn   = aws_iam_role.nodes.arn
  subnet_ids      = var.subnet_ids
  ami_type        = local.ami_type
  capacity_type   = "ON_DEMAND"
  instance_types  = [var.instance_type]
  version         = var.kubernetes_version
  release_version = data.aws_ssm_parameter.release_version.insecure_value

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }

  scaling_config {
    min_size     = var.min_size
    max_size     = var.max_size
    desired_size = var.min_size
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

    precondition {
      condition     = var.min_size <= var.max_size
      error_message = "${var.min_size} nodes at least and ${var.max_size} at most: the least is more than the most."
    }
  }

  depends_on = [aws_iam_role_policy_attachment.nodes]
}
