output "contract" {
  description = "Values for the deploy, as published."
  value       = local.contract
}

output "contract_parameter" {
  description = "Parameter that holds the contract."
  value       = module.contract.name
}

output "name_servers" {
  description = "Name servers for the delegation in the parent zone, by host name."
  value       = { for domain, zone in module.domain : domain => zone.name_servers }
}

output "delegation" {
  description = "NS record that the parent zone needs for each host name: its values are the name servers."
  value       = [for domain, zone in module.domain : { name = "${domain}.", type = "NS", ttl = 3600, values = [for server in zone.name_servers : "${server}."] }]
}

output "dashboard_name" {
  description = "Dashboard of the service."
  value       = module.dashboard.name
}
