# A contract between layers: one JSON document in Parameter Store, without secrets.

resource "aws_ssm_parameter" "this" {
  # checkov:skip=CKV2_AWS_34: The contract holds no secrets, and its readers should need no access to a KMS key.
  name           = var.name
  description    = var.description
  type           = "String"
  insecure_value = var.document

  lifecycle {
    precondition {
      condition     = length(var.document) < 4096
      error_message = "The contract has ${length(var.document)} bytes; a standard parameter holds fewer than 4,096."
    }
  }
}
