output "identifier" {
  description = "Identifier of the instance, once its master user has the password of the secret."
  value       = aws_db_instance.this.identifier
  depends_on  = [terraform_data.master_password]
}

output "arn" {
  description = "ARN of the instance, once its master user has the password of the secret."
  value       = aws_db_instance.this.arn
  depends_on  = [terraform_data.master_password]
}

output "host" {
  description = "Host name of the instance."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port of the instance."
  value       = aws_db_instance.this.port
}

output "database_name" {
  description = "Name of the database."
  value       = aws_db_instance.this.db_name
}

output "allocated_storage_gb" {
  description = "Current storage of the instance (GB)."
  value       = aws_db_instance.this.allocated_storage
}
