variable "name" {
  description = "Name of the cluster, and prefix of other names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,48}$", var.name))
    error_message = "A cluster name has 2 to 49 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes."
  type        = string

  validation {
    condition     = can(regex("^1[.][0-9]{2}$", var.kubernetes_version))
    error_message = "kubernetes_version is a minor version such as 1.36."
  }
}

variable "addon_versions" {
  description = "Version of each add-on that nodes need: eks-pod-identity-agent, kube-proxy and vpc-cni."
  type        = map(string)

  validation {
    condition     = alltrue([for name in ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"] : contains(keys(var.addon_versions), name)])
    error_message = "addon_versions names a version for eks-pod-identity-agent, kube-proxy and vpc-cni."
  }
}

variable "vpc_id" {
  description = "VPC of the cluster."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the control plane's network interfaces."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "EKS needs subnets in at least two zones."
  }
}

variable "public_cidrs" {
  description = "Networks that may reach the public endpoint; an empty list keeps it private."
  type        = list(string)
}

variable "admin_role_arns" {
  description = "IAM roles that administer the cluster."
  type        = list(string)
}

variable "container_port" {
  description = "Port that the API's containers listen on."
  type        = number
  default     = 8000

  validation {
    condition     = var.container_port >= 1024 && var.container_port <= 65535
    error_message = "container_port is from 1024 to 65535: the container does not run as root."
  }
}

variable "log_group" {
  description = "Log group that the control plane writes to; EKS fixes its name."
  type        = string

  validation {
    condition     = var.log_group == "/aws/eks/${var.name}/cluster"
    error_message = "EKS writes to /aws/eks/<cluster>/cluster and nowhere else."
  }
}

variable "key_arn" {
  description = "ARN of the key for Kubernetes secrets."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the roles created here; null for none."
  type        = string
  default     = null
}
