output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "database_subnet_ids" {
  description = "Subnets in two zones."
  value       = [for subnet in aws_subnet.database : subnet.id]
}
