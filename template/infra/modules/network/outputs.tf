output "vpc_id" {
  description = "ID of the VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "CIDR block of the VPC."
  value       = local.cidr
}

output "public_subnets" {
  description = "Public subnets: zone to ID and CIDR."
  value       = { for zone, subnet in aws_subnet.public : zone => { id = subnet.id, cidr = subnet.cidr_block } }
}

output "private_subnets" {
  description = "Private subnets, once their routes exist: zone to ID and CIDR."
  value       = { for zone, subnet in aws_subnet.private : zone => { id = subnet.id, cidr = subnet.cidr_block } }
  depends_on  = [aws_route.private, aws_route_table_association.private]
}

output "database_subnets" {
  description = "Database subnets: zone to ID and CIDR."
  value       = { for zone, subnet in aws_subnet.database : zone => { id = subnet.id, cidr = subnet.cidr_block } }
}
