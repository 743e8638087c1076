variable "prefix" {
  description = "Prefix of the secrets' names, such as shop/production."
  type        = string
}

variable "key_arn" {
  description = "ARN of the key that encrypts the secrets."
  type        = string
}

variable "recovery_days" {
  description = "Recovery window of a deleted secret, during which its name cannot be reused: 7 to 30 days, or 0 for none."
  type        = number

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "recovery_days is 0, or from 7 to 30."
  }
}

variable "logins" {
  description = "Secrets with a username and a generated password: name to username."
  type        = map(string)
}

variable "tokens" {
  description = "Secrets with one generated value of 48 characters."
  type        = list(string)
}

variable "by_hand" {
  description = "Secrets that begin as an empty object and are filled in by people."
  type        = list(string)
}

variable "versions" {
  description = "Version of each secret's value, by name; the default is 1. A higher number writes a new value."
  type        = map(number)

  validation {
    condition     = alltrue([for version in var.versions : version >= 1 && floor(version) == version])
    error_message = "A version is a whole number, 1 or more."
  }
}
