variable "name" {
  description = "Name of the bucket, which must be globally unique."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket name has 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "encryption" {
  description = "kms, or s3 for a writer that cannot use a customer-managed key."
  type        = string
  default     = "kms"

  validation {
    condition     = contains(["kms", "s3"], var.encryption)
    error_message = "encryption is kms or s3."
  }
}

variable "key_arn" {
  description = "ARN of the key; null for encryption s3."
  type        = string
  default     = null
}

variable "policies" {
  description = "Further statements of the bucket policy, as JSON documents."
  type        = list(string)
  default     = []
}

variable "expire_days" {
  description = "Days until an object expires; 0 keeps it."
  type        = number
  default     = 0

  validation {
    condition     = var.expire_days >= 0 && floor(var.expire_days) == var.expire_days
    error_message = "expire_days is a whole number of days, 0 or more."
  }
}

variable "noncurrent_days" {
  description = "Days until a noncurrent version expires."
  type        = number
  default     = 90

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days is at least 1."
  }
}

variable "lock_days" {
  description = "Days of object lock (governance mode), in which only a special right allows deletion; 0 for none."
  type        = number
  default     = 0

  validation {
    condition     = var.lock_days >= 0
    error_message = "lock_days is 0 or more."
  }
}
