variable "vpc_cidr" {
  description = "CIDR block 0, /16 to /20; every environment has a block of this size."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && can(regex("/(16|17|18|19|20)$", var.vpc_cidr))
    error_message = "vpc_cidr is a network from /16 to /20, such as 10.0.0.0/16."
  }
}

variable "vpc_block" {
  description = "Block of the environment: production 0, staging 1, dev 2."
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
  description = "NAT gateways, at most one per zone."
  type        = number

  validation {
    condition     = var.nat_gateways >= 1 && var.nat_gateways <= var.az_count
    error_message = "nat_gateways is from 1 to az_count."
  }
}

variable "interface_endpoints" {
  description = "Whether AWS services are reached through private endpoints."
  type        = bool
}

variable "api_public_cidrs" {
  description = "Networks that may reach the cluster's public endpoint; an empty list keeps it private."
  type        = list(string)

  validation {
    condition     = alltrue([for cidr in var.api_public_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Each of api_public_cidrs is a network such as 203.0.113.0/24."
  }

  validation {
    condition     = var.api_open_to_the_world || !anytrue([for cidr in var.api_public_cidrs : can(regex("/0$", cidr))])
    error_message = "0.0.0.0/0 opens the cluster's endpoint to everyone; if that is meant, say api_open_to_the_world = true."
  }
}

variable "api_open_to_the_world" {
  description = "Whether 0.0.0.0/0 in api_public_cidrs is intended."
  type        = bool
  default     = false
}
