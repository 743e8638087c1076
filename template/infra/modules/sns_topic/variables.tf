variable "name" {
  description = "Name of the topic."
  type        = string
}

variable "key_arn" {
  description = "ARN of the key; its policy lets the publishers use it."
  type        = string
}

variable "publishers" {
  description = "AWS services that publish, such as cloudwatch.amazonaws.com."
  type        = list(string)

  validation {
    condition     = length(var.publishers) > 0
    error_message = "Name at least one service that publishes."
  }
}

variable "email" {
  description = "Email address that receives the messages; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.email == "" || can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", var.email))
    error_message = "email is an address such as alerts@example.com, or empty."
  }
}
