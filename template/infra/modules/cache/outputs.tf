output "hosts" {
  description = "Host name of each group's primary."
  value       = { for name, group in aws_elasticache_replication_group.this : name => group.primary_endpoint_address }
}

output "port" {
  description = "Port of every group."
  value       = 6379
}

output "nodes" {
  description = "Cache node IDs, as CloudWatch names them: <group>/<number> to ID."
  value = merge([
    for name, group in var.groups : { for number in range(1, var.replicas + 2) : "${name}/${number}" => format("%s-%03d", group.id, number) }
  ]...)
}
