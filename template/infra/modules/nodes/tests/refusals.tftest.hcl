# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name               = "shop"
  cluster_name       = "shop"
  kubernetes_version = "1.36"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_id  = "sg-1"
  instance_type      = "t3.medium"
  architecture       = "x86_64"
  min_size           = 2
  max_size           = 4
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    instance_type = "medium"
    architecture  = "mips"
    min_size      = 1
    max_pods      = 200
    disk_gb       = 1
  }

  expect_failures = [var.instance_type, var.architecture, var.min_size, var.max_pods, var.disk_gb]
}

run "a_least_above_the_most_is_refused" {
  command = plan

  variables {
    min_size = 5
  }

  expect_failures = [aws_eks_node_group.on_demand]
}
