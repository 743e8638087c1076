# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name               = "shop"
  kubernetes_version = "1.36"
  addon_versions     = { eks-pod-identity-agent = "v1.3.10-eksbuild.3", kube-proxy = "v1.36.0-eksbuild.25", vpc-cni = "v1.22.4-eksbuild.3" }
  vpc_id             = "vpc-1"
  subnet_ids         = ["subnet-1", "subnet-2"]
  public_cidrs       = []
  admin_role_arns    = []
  log_group          = "/aws/eks/shop/cluster"
  key_arn            = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
}

run "right_values_plan" {
  command = plan
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name               = "Shop"
    log_group          = "/aws/eks/Shop/cluster"
    kubernetes_version = "1.5"
    addon_versions     = { vpc-cni = "v1.22.4-eksbuild.3" }
    subnet_ids         = ["subnet-1"]
    container_port     = 80
  }

  expect_failures = [var.name, var.kubernetes_version, var.addon_versions, var.subnet_ids, var.container_port]
}

run "a_log_group_that_eks_does_not_write_to_is_refused" {
  command = plan

  variables {
    log_group = "/aws/eks/another/cluster"
  }

  expect_failures = [var.log_group]
}
