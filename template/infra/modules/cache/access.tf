# Who reaches the cache: the EKS group on one port, as one user with a password. The default user is switched off.

resource "aws_security_group" "this" {
  name        = "${var.name}-cache"
  description = "Valkey from the cluster, nothing out."
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-cache" }
}

resource "aws_vpc_security_group_ingress_rule" "from_cluster" {
  security_group_id            = aws_security_group.this.id
  description                  = "Valkey from the cluster"
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
  referenced_security_group_id = var.client_security_group_id
}

# ElastiCache has no write-only password, so these two stand in the state, which is encrypted. 64 hexadecimal digits of two
# random UUIDs: 244 random bits.
resource "terraform_data" "password" {
  for_each = toset(["app", "default"])

  input            = sensitive(sha256("${uuid()}${uuid()}"))
  triggers_replace = [var.password_version]

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_elasticache_user" "app" {
  user_id   = "${var.name}-app"
  user_name = "app"
  engine    = "valkey"
  # All keys, channels and commands but the administrator's and the dangerous ones; the queue reads INFO when it starts.
  access_string = "on ~* &* +@all -@admin -@dangerous +info"

  authentication_mode {
    type      = "password"
    passwords = [terraform_data.password["app"].output]
  }
}

resource "aws_elasticache_user" "default" {
  user_id       = "${var.name}-off"
  user_name     = "default"
  engine        = "valkey"
  access_string = "off -@all"

  # Valkey takes no user without a password, not even one that is off.
  authentication_mode {
    type      = "password"
    passwords = [terraform_data.password["default"].output]
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.app.user_id, aws_elasticache_user.default.user_id]
}
