variable "name" {
  description = "Name of the role."
  type        = string

  validation {
    condition     = length(var.name) <= 64
    error_message = "A role name has at most 64 characters."
  }
}

variable "description" {
  description = "The principal that assumes the role, and its purpose."
  type        = string
}

variable "cluster_name" {
  description = "Cluster whose pods assume the role."
  type        = string
}

variable "service_account" {
  description = "Kubernetes service account that gets the role; null if an EKS add-on creates the association."
  type = object({
    namespace = string
    name      = string
  })
  default = null
}

variable "policies" {
  description = "Policies of the role: name to JSON document."
  type        = map(string)
  default     = {}
}

variable "managed_policy_arns" {
  description = "AWS managed policies of the role."
  type        = list(string)
  default     = []
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the roles created here; null for none."
  type        = string
  default     = null
}
