# Control plane, on-demand nodes, and the add-ons that run on nodes.

locals {
  private_subnet_ids = [for subnet in module.network.private_subnets : subnet.id]

  # Minimum and maximum size by node group.
  node_groups = {
    (module.nodes.node_group_name) = { min = var.node_min, max = var.node_max }
  }
}

module "cluster" {
  source = "../modules/cluster"

  permissions_boundary = local.permissions_boundary
  name                 = local.name
  kubernetes_version   = var.kubernetes_version
  addon_versions       = var.addon_versions
  vpc_id               = module.network.vpc_id
  subnet_ids           = local.private_subnet_ids
  public_cidrs         = var.api_public_cidrs
  admin_role_arns      = var.cluster_admin_role_arns
  log_group            = module.log_groups.names["control-plane"]
  key_arn              = module.kms_key.arn
}

module "nodes" {
  source = "../modules/nodes"

  permissions_boundary = local.permissions_boundary
  name                 = local.name
  cluster_name         = module.cluster.name
  kubernetes_version   = module.cluster.version
  subnet_ids           = local.private_subnet_ids
  security_group_id    = module.cluster.security_group_id
  instance_type        = var.node_instance_type
  architecture         = var.node_architecture
  min_size             = var.node_min
  max_size             = var.node_max
}

# Container Insights and the pods' logs.
module "cloudwatch_agent" {
  source = "../modules/identity"

  permissions_boundary = local.permissions_boundary
  name                 = "${local.name}-cloudwatch-agent"
  description          = "The CloudWatch agent of ${local.name}, by Pod Identity."
  cluster_name         = module.cluster.name
  managed_policy_arns  = ["arn:${data.aws_partition.current.partition}:iam::aws:policy/CloudWatchAgentServerPolicy"]
}

locals {
  # Two replicas, so that DNS and the metrics of the autoscalers survive the loss of a node. Both add-ons include disruption budgets.
  on_nodes_configuration = {
    coredns        = { replicaCount = 2 }
    metrics-server = { replicas = 2 }
  }

  observability_configuration = {
    # Since release 5.0 AutoMonitor injects Java, Python, .NET and Node.js agents into every workload behind a Service. Their init containers
    # violate the Pod Security level `restricted`, and their PYTHONPATH hides the application. The service has its own traces and metrics.
    manager = { applicationSignals = { autoMonitor = { monitorAllServices = false, restartPods = false } } }
    # Application Signals opens the agent's only trace receivers (ports 4315 and 4316), which write to X-Ray.
    applicationSignals = { enabled = var.application_signals }
    # Alarms, dashboard and failover read the namespace ContainerInsights. Releases 6.0 and 6.1 sent everything twice.
    containerInsights     = { enabled = true }
    otelContainerInsights = { enabled = false }
    containerLogs         = { enabled = true }
  }
}

resource "aws_eks_addon" "on_nodes" {
  for_each = local.on_nodes_configuration

  cluster_name                = module.cluster.name
  addon_name                  = each.key
  addon_version               = var.addon_versions[each.key]
  configuration_values        = jsonencode(each.value)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  depends_on = [module.nodes]
}

resource "aws_eks_addon" "observability" {
  cluster_name                = module.cluster.name
  addon_name                  = "amazon-cloudwatch-observability"
  addon_version               = var.addon_versions["amazon-cloudwatch-observability"]
  configuration_values        = jsonencode(local.observability_configuration)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  pod_identity_association {
    role_arn        = module.cloudwatch_agent.role_arn
    service_account = "cloudwatch-agent"
  }

  depends_on = [module.nodes, module.log_groups]
}

check "somebody_administers_the_cluster" {
  assert {
    condition     = length(var.cluster_admin_role_arns) > 0
    error_message = "cluster_admin_role_arns is empty: nobody may install the controllers. Name a role of your team in the environment's platform.local.tfvars."
  }
}
