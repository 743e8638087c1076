variable "name" {
  description = "Prefix of the names."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "vpc_cidr" {
  description = "Block 0 of the service's environments, /16 to /20."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && can(regex("/(16|17|18|19|20)$", var.vpc_cidr)) && try(cidrhost(var.vpc_cidr, 0) == split("/", var.vpc_cidr)[0], false)
    error_message = "vpc_cidr is a network from /16 to /20 without host bits, such as 10.0.0.0/16."
  }
}

variable "vpc_block" {
  description = "Number of this VPC's block, counted from vpc_cidr in steps of its size."
  type        = number

  validation {
    condition     = contains([0, 1, 2], var.vpc_block)
    error_message = "vpc_block is 0, 1 or 2."
  }
}

variable "az_count" {
  description = "Availability Zones."
  type        = number

  validation {
    condition     = contains([2, 3], var.az_count)
    error_message = "az_count is 2 or 3."
  }
}

variable "nat_gateways" {
  description = "NAT gateways; each is in a separate zone."
  type        = number

  validation {
    condition     = contains([1, 2, 3], var.nat_gateways)
    error_message = "nat_gateways is 1, 2 or 3."
  }
}

variable "interface_endpoints" {
  description = "Whether AWS services are reached through private endpoints."
  type        = bool
}

variable "node_instance_type" {
  description = "Instance type that the zones must offer."
  type        = string
}

variable "flow_log_group_arn" {
  description = "ARN of the log group of the flow logs."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the roles created here; null for none."
  type        = string
  default     = null
}
