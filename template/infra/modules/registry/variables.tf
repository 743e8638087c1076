variable "prefix" {
  description = "Prefix of the repositories' names, such as shop/production."
  type        = string
}

variable "images" {
  description = "Images, one repository each."
  type        = list(string)

  validation {
    condition     = alltrue([for image in var.images : can(regex("^[a-z][a-z0-9-]*$", image))])
    error_message = "An image's name has lower-case letters, digits and hyphens, a letter first."
  }
}

variable "force_delete" {
  description = "Whether a destroy also deletes the images; otherwise AWS refuses to delete a repository that contains any."
  type        = bool
}

variable "key_arn" {
  description = "ARN of the key that encrypts the images."
  type        = string
}
