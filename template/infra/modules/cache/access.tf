# Access to the cache: only the EKS group, on one port, as one user with a password. The default user is disabled.

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

# The provider has no write-only password for ElastiCache users, so the state holds throwaway passwords that give no access: the user
# `default` is disabled, and `app` gets the password of its secret before it joins the user group. Each is a SHA-256 of two random UUIDs.
resource "terraform_data" "throw_away" {
  for_each = toset(["app", "default"])

  input = sensitive(sha256("${uuid()}${uuid()}"))

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_elasticache_user" "app" {
  user_id   = "${var.name}-app"
  user_name = "app"
  engine    = "valkey"
  # All keys and channels, and all commands except the categories admin and dangerous. The queue reads INFO at startup.
  access_string = "on ~* &* +@all -@admin -@dangerous +info"

  authentication_mode {
    type      = "password"
    passwords = [terraform_data.throw_away["app"].output]
  }

  lifecycle {
    ignore_changes = [authentication_mode]
  }
}

# Copies the password from the secret to the user with the AWS CLI on the machine that runs Terraform, so that it never enters the state.
resource "terraform_data" "password" {
  triggers_replace = [aws_elasticache_user.app.id, var.password_secret, var.password_version]

  provisioner "local-exec" {
    command = "bash ${path.module}/set_password.sh"

    environment = {
      REGION     = var.region
      SECRET     = var.password_secret
      CACHE_USER = aws_elasticache_user.app.user_id
    }
  }
}

resource "aws_elasticache_user" "default" {
  user_id       = "${var.name}-off"
  user_name     = "default"
  engine        = "valkey"
  access_string = "off -@all"

  # ElastiCache for Valkey requires a password for every user, even for a disabled one.
  authentication_mode {
    type      = "password"
    passwords = [terraform_data.throw_away["default"].output]
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.app.user_id, aws_elasticache_user.default.user_id]

  depends_on = [terraform_data.password]
}
