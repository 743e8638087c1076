# The master's password. RDS makes no replica of an instance whose password it keeps itself, so a secret of this service keeps it.
# The script runs where Terraform runs, with the AWS command line: the password goes through nothing else.

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
