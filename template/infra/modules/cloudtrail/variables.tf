variable "name" {
  description = "Name of the trail."
  type        = string
}

variable "bucket" {
  description = "Bucket of the trail's files, whose policy lets CloudTrail write."
  type        = string
}

variable "key_arn" {
  description = "ARN of the key that encrypts the files."
  type        = string
}
