"""The destruction of an environment: the steps that Terraform cannot do."""
