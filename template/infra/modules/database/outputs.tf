output "identifier" {
  description = "Identifier of the instance."
  value       = aws_db_instance.this.identifier
}

output "arn" {
  description = "ARN of the instance."
  value       = aws_db_instance.this.arn
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

output "master_secret_arn" {
  description = "ARN of the secret in which RDS keeps the master's password."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "security_group_id" {
  description = "Group of the database."
  value       = aws_security_group.this.id
}

output "parameter_group_name" {
  description = "Parameter group of the instance."
  value       = aws_db_parameter_group.this.name
}

output "monitoring_role_arn" {
  description = "Role of enhanced monitoring."
  value       = aws_iam_role.monitoring.arn
}
