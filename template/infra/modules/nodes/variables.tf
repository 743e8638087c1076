variable "name" {
  description = "Prefix of the names."
  type        = string
}

variable "cluster_name" {
  description = "Cluster that the nodes join."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of the nodes' Kubernetes."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the nodes."
  type        = list(string)
}

variable "security_group_id" {
  description = "The EKS group."
  type        = string
}

variable "instance_type" {
  description = "Instance type of the nodes."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+[.][a-z0-9]+$", var.instance_type))
    error_message = "instance_type is an EC2 type such as t3.medium."
  }
}

variable "architecture" {
  description = "Architecture of the instance type."
  type        = string

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "min_size" {
  description = "Minimum number of nodes."
  type        = number

  validation {
    condition     = var.min_size >= 2
    error_message = "At least 2 on-demand nodes stay, so that one may fail."
  }
}

variable "max_size" {
  description = "Maximum number of nodes."
  type        = number
}

variable "max_pods" {
  description = "Maximum number of pods per node."
  type        = number
  default     = 110

  validation {
    condition     = var.max_pods >= 10 && var.max_pods <= 110
    error_message = "max_pods is from 10 to 110."
  }
}

variable "disk_gb" {
  description = "Size of a node's disk (GB, gp3)."
  type        = number
  default     = 40

  validation {
    condition     = var.disk_gb >= 20 && var.disk_gb <= 1000
    error_message = "disk_gb is from 20 to 1000."
  }
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the roles created here; null for none."
  type        = string
  default     = null
}
