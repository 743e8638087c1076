output "identifier" {
  description = "Identifier of the instance, once its master has the secret's password."
  value       = aws_db_instance.this.identifier
  depends_on  = [terraform_data.master_password]
}

output "arn" {
  description = "ARN of the instance, once its master has the secret's password."
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
  description = "Storage of the instance (GB), as far as it has grown."
  value       = aws_db_instance.this.allocated_storage
}
