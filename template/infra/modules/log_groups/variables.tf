variable "names" {
  description = "Name of each group, by its content."
  type        = map(string)

  validation {
    condition     = alltrue([for name in values(var.names) : can(regex("^[A-Za-z0-9_/.#-]{1,512}$", name))])
    error_message = "A log group's name has up to 512 letters, digits and _ - / . #."
  }
}

variable "retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "key_arn" {
  description = "ARN of the key that encrypts the logs."
  type        = string
}
