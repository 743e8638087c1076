variable "name" {
  description = "Name of the parameter."
  type        = string

  validation {
    condition     = can(regex("^/(platform|service)/[a-z0-9-]+/[a-z]+/contract$", var.name))
    error_message = "A contract's name is such as /service/shop/production/contract."
  }
}

variable "description" {
  description = "Publisher and readers of the contract."
  type        = string
}

variable "document" {
  description = "The contract as JSON."
  type        = string
}
