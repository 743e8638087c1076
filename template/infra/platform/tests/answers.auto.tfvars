# Answers of a platform that is right in everything; each test changes what it is about.

platform_name        = "shop"
environment          = "production"
region               = "ap-southeast-1"
team                 = "shop"
permissions_boundary = "shop-boundary"
owner_email          = "owner@example.com"
alert_email          = "alerts@example.com"
monthly_budget_usd   = 500
log_retention_days   = 30

vpc_cidr              = "10.0.0.0/16"
vpc_block             = 0
az_count              = 3
nat_gateways          = 2
interface_endpoints   = false
api_public_cidrs      = ["203.0.113.0/24"]
api_open_to_the_world = false

cluster_admin_role_arns = ["arn:aws:iam::111122223333:role/Admin"]
node_instance_type      = "t3.medium"
node_architecture       = "x86_64"
node_min                = 2
node_max                = 4
