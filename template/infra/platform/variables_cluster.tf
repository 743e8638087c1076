variable "kubernetes_version" {
  description = "Minor version of Kubernetes. Releases of the template raise it, one minor version at a time."
  type        = string
  default     = "1.36"

  validation {
    condition     = can(regex("^1[.][0-9]{2}$", var.kubernetes_version))
    error_message = "kubernetes_version is a minor version such as 1.36."
  }
}

variable "addon_versions" {
  description = "Version of each EKS add-on, for kubernetes_version. Releases of the template raise them."
  type        = map(string)
  default = {
    amazon-cloudwatch-observability = "v6.4.0-eksbuild.1"
    coredns                         = "v1.14.3-eksbuild.23"
    eks-pod-identity-agent          = "v1.3.10-eksbuild.3"
    kube-proxy                      = "v1.36.0-eksbuild.25"
    metrics-server                  = "v0.9.0-eksbuild.11"
    vpc-cni                         = "v1.22.4-eksbuild.3"
  }

  validation {
    condition     = toset(keys(var.addon_versions)) == toset(["amazon-cloudwatch-observability", "coredns", "eks-pod-identity-agent", "kube-proxy", "metrics-server", "vpc-cni"])
    error_message = "addon_versions names amazon-cloudwatch-observability, coredns, eks-pod-identity-agent, kube-proxy, metrics-server and vpc-cni, all of them and no other."
  }

  validation {
    condition     = alltrue([for version in var.addon_versions : can(regex("^v[0-9]+[.][0-9]+[.][0-9]+-eksbuild[.][0-9]+$", version))])
    error_message = "Each of addon_versions is a version such as v1.22.4-eksbuild.3: aws eks describe-addon-versions lists them."
  }
}

variable "application_signals" {
  description = "Whether the CloudWatch agent receives traces over OTLP and writes them to X-Ray (Application Signals of the observability add-on)."
  type        = bool
  default     = false
}

variable "cluster_admin_role_arns" {
  description = "IAM roles that administer the cluster."
  type        = list(string)

  validation {
    condition     = alltrue([for arn in var.cluster_admin_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn))])
    error_message = "Each of cluster_admin_role_arns is the ARN of an IAM role, such as arn:aws:iam::111122223333:role/Admin."
  }
}

variable "node_instance_type" {
  description = "Instance type of the nodes."
  type        = string
}

variable "node_architecture" {
  description = "Architecture of the instance type: arm64 or x86_64."
  type        = string

  validation {
    condition     = contains(["arm64", "x86_64"], var.node_architecture)
    error_message = "node_architecture is arm64 or x86_64."
  }
}

variable "node_min" {
  description = "Minimum number of on-demand nodes."
  type        = number

  validation {
    condition     = var.node_min >= 2 && var.node_min <= 100
    error_message = "node_min is from 2 to 100."
  }
}

variable "node_max" {
  description = "Maximum number of nodes per group."
  type        = number

  validation {
    condition     = var.node_max >= var.node_min && var.node_max <= 200
    error_message = "node_max is from node_min to 200."
  }
}
