# A contract between layers: one JSON document in Parameter Store, with facts and no secret.

resource "aws_ssm_parameter" "this" {
  # checkov:skip=CKV2_AWS_34: Facts without secrets; reading the parameter should need no key.
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
