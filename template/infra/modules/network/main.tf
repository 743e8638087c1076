# One VPC over `az_count` zones with three tiers: public (load balancer, NAT), private (nodes and pods), database (no way out).
#
# The block splits in four: a quarter of private addresses for each of up to three zones (prefix delegation hands them out
# sixteen at a time), and the last quarter in sixteen parts, of which public takes 0-2 and database 4-6. A /16 gives private
# /18, public and database /22.

locals {
  prefix = tonumber(split("/", var.vpc_cidr)[1])
  octets = [for octet in split(".", split("/", var.vpc_cidr)[0]) : tonumber(octet)]

  # Consecutive blocks of one size, so that the environments of a service never overlap: block 0 is vpc_cidr itself.
  first_block = (local.octets[0] * 16777216 + local.octets[1] * 65536 + local.octets[2] * 256 + local.octets[3]) / pow(2, 32 - local.prefix)
  cidr        = cidrsubnet("0.0.0.0/0", local.prefix, local.first_block + var.vpc_block)

  # Zone names differ between accounts, and a zone may lack the node type: ask for zones that offer it.
  # Local zones, whose names have more parts, are none of ours.
  offered = sort([for zone in data.aws_ec2_instance_type_offerings.nodes.locations : zone if can(regex("^${var.region}[a-z]$", zone))])
  zones   = slice(local.offered, 0, min(var.az_count, length(local.offered)))

  last_quarter = cidrsubnet(local.cidr, 2, 3)

  private  = { for index, zone in local.zones : zone => cidrsubnet(local.cidr, 2, index) }
  public   = { for index, zone in local.zones : zone => cidrsubnet(local.last_quarter, 4, index) }
  database = { for index, zone in local.zones : zone => cidrsubnet(local.last_quarter, 4, index + 4) }

  # The first `nat_gateways` zones have a NAT of their own; the others share them in turn.
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

# Nothing may use the group that AWS makes with every VPC: no rules at all.
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
