# The password of the master user. RDS cannot create a replica of an instance whose password it manages, so a secret of this service holds
# it. The script copies it with the AWS CLI on the machine that runs Terraform, so that it never enters the state.

resource "terraform_data" "master_password" {
  for_each = toset(local.own ? ["this"] : [])

  triggers_replace = [aws_db_instance.this.resource_id, var.master_secret, var.master_version]

  provisioner "local-exec" {
    command = "bash ${path.module}/set_password.sh"

    environment = {
      REGION   = var.region
      SECRET   = var.master_secret
      DATABASE = aws_db_instance.this.identifier
    }
  }
}
