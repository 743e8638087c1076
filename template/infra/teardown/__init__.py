"""What `infra/destroy.py` does beside Terraform."""
