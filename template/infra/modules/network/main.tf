# One VPC over `az_count` zones with three tiers: public (load balancer, NAT), private (nodes and pods), database (no internet access).
#
# The range is split in four. Three quarters are the private subnets of up to three zones, which are large because prefix delegation
# assigns addresses in blocks of 16. The last quarter is split in sixteen: parts 0-2 are public, 4-6 database. A /16 gives private
# subnets of /18, public and database subnets of /22.

locals {
  prefix = tonumber(split("/", var.vpc_cidr)[1])
  octets = [for octet in split(".", split("/", var.vpc_cidr)[0]) : tonumber(octet)]

  # Each environment has one of the consecutive blocks of the same size, so that they never overlap. Block 0 is vpc_cidr itself.
  first_block = (local.octets[0] * 16777216 + local.octets[1] * 65536 + local.octets[2] * 256 + local.octets[3]) / pow(2, 32 - local.prefix)
  cidr        = cidrsubnet("0.0.0.0/0", local.prefix, local.first_block + var.vpc_block)

  # Use only zones that offer the node type; zone names differ between accounts. The pattern excludes Local Zones, whose names have
  # more parts.
  offered = sort([for zone in data.aws_ec2_instance_type_offerings.nodes.locations : zone if can(regex("^${var.region}[a-z]$", zone))])
  zones   = slice(local.offered, 0, min(var.az_count, length(local.offered)))

  last_quarter = cidrsubnet(local.cidr, 2, 3)

  private  = { for index, zone in local.zones : zone => cidrsubnet(local.cidr, 2, index) }
  public   = { for index, zone in local.zones : zone => cidrsubnet(local.last_quarter, 4, index) }
  database = { for index, zone in local.zones : zone => cidrsubnet(local.last_quarter, 4, index + 4) }

  # The first `nat_gateways` zones each have a NAT gateway; the other zones share them in turn.
  nat_zones = slice(local.zones, 0, min(var.nat_gateways, length(local.zones)))
  nat_of    = { for index, zone in local.zones : zone => local.nat_zones[index % length(local.nat_zones)] }
}

data "aws_ec2_instance_type_offerings" "nodes" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [var.node_instance_type]
  }
}

resource "aws_vpc" "this" {
  cidr_block           = local.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = var.name }

  lifecycle {
    precondition {
      condition     = length(local.offered) >= var.az_count
      error_message = "Only ${length(local.offered)} zones offer ${var.node_instance_type}; choose a smaller az_count or another type."
    }

    precondition {
      condition     = var.nat_gateways <= var.az_count
      error_message = "${var.nat_gateways} NAT gateways over ${var.az_count} zones: choose at most one per zone."
    }
  }
}

# AWS creates a default security group with every VPC. It gets no rules, so that nothing can use it.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_subnet" "public" {
  for_each = local.public

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-public-${each.key}", Tier = "public", "kubernetes.io/role/elb" = "1" }
}

resource "aws_subnet" "private" {
  for_each = local.private

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-private-${each.key}", Tier = "private", "kubernetes.io/role/internal-elb" = "1" }
}

resource "aws_subnet" "database" {
  for_each = local.database

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-database-${each.key}", Tier = "database" }
}
