# Two of the four security groups: the load balancer and the EKS group (control plane, nodes and pods). The rule between them
# opens the container port, because the load balancer sends requests directly to pods.

resource "aws_security_group" "load_balancer" {
  # checkov:skip=CKV2_AWS_5: The load balancer controller attaches it, because an annotation of the Ingress names it.
  name        = "${var.name}-load-balancer"
  description = "The load balancer: HTTP and HTTPS in, the container port out."
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-load-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  # checkov:skip=CKV_AWS_260: Port 80 redirects to 443; a service without a host name has no certificate and uses only port 80.
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.load_balancer.id
  description       = "${upper(each.key)} from the internet"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "load_balancer_to_pods" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "Container port of the API"
  ip_protocol                  = "tcp"
  from_port                    = var.container_port
  to_port                      = var.container_port
  referenced_security_group_id = aws_security_group.this.id
}

resource "aws_security_group" "this" {
  name        = "${var.name}-eks"
  description = "Control plane, nodes and pods."
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-eks" }
}

resource "aws_vpc_security_group_ingress_rule" "pods_from_load_balancer" {
  security_group_id            = aws_security_group.this.id
  description                  = "Container port of the API, from the load balancer"
  ip_protocol                  = "tcp"
  from_port                    = var.container_port
  to_port                      = var.container_port
  referenced_security_group_id = aws_security_group.load_balancer.id
}

resource "aws_vpc_security_group_ingress_rule" "itself" {
  security_group_id            = aws_security_group.this.id
  description                  = "Everything inside the cluster; NetworkPolicies narrow it"
  ip_protocol                  = "-1"
  referenced_security_group_id = aws_security_group.this.id
}

resource "aws_vpc_security_group_egress_rule" "anywhere" {
  security_group_id = aws_security_group.this.id
  description       = "Everything out, through NAT; NetworkPolicies narrow it"
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}
