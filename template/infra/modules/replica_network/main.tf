# A network for a replica and nothing else: subnets in two zones without a route in or out. AWS makes no instance outside a VPC.
# If a platform exists in that region, its database subnets are used instead.

locals {
  # The class's own type says which zones can hold it. Local zones, whose names have more parts, are none of ours.
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

# Nothing may use the group that AWS makes with every VPC: no rules at all.
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
