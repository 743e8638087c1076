# A network for the replica only, because RDS requires a VPC: subnets in two zones, without routes to other networks. If a platform exists
# in that region, its database subnets are used instead.

locals {
  # Use only zones that offer the EC2 type of the database class. The pattern excludes Local Zones, whose names have more parts.
  offered = sort([for zone in data.aws_ec2_instance_type_offerings.database.locations : zone if can(regex("^${var.region}[a-z]$", zone))])
  zones   = slice(local.offered, 0, min(2, length(local.offered)))
}

data "aws_ec2_instance_type_offerings" "database" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [trimprefix(var.instance_class, "db.")]
  }
}

resource "aws_vpc" "this" {
  cidr_block = var.cidr

  tags = { Name = var.name }

  lifecycle {
    precondition {
      condition     = length(local.zones) == 2
      error_message = "${var.region} offers ${var.instance_class} in ${length(local.zones)} of the two zones that RDS asks for: choose another class or region."
    }
  }
}

# AWS creates a default security group with every VPC. It gets no rules, so that nothing can use it.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_subnet" "database" {
  for_each = { for index, zone in local.zones : zone => cidrsubnet(var.cidr, 1, index) }

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-database-${each.key}", Tier = "database" }
}
