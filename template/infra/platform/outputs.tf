output "contract" {
  description = "Values of the platform for its services, as published."
  value       = local.contract
}

output "contract_parameter" {
  description = "Parameter that holds the contract."
  value       = module.contract.name
}

output "node_groups" {
  description = "Node groups: name to minimum and maximum number of nodes."
  value       = local.node_groups
}

output "dashboard_name" {
  description = "Dashboard of the nodes."
  value       = module.dashboard.name
}
