# Denies every role access to resources of other environments and other teams.

data "aws_iam_policy_document" "boundary_others" {
  for_each = local.boundaries

  # OIDC providers decide whom the account trusts: only those of EKS clusters may be changed.
  statement {
    sid           = "KeepProviders"
    effect        = "Deny"
    actions       = ["iam:AddClientID*", "iam:CreateOpenID*", "iam:DeleteOpenID*", "iam:RemoveClientID*", "iam:TagOpenID*", "iam:UntagOpenID*", "iam:UpdateOpenID*"]
    not_resources = ["arn:${local.partition}:iam::${local.account}:oidc-provider/oidc.eks.*"]
  }

  statement {
    sid           = "OwnClustersAlone"
    effect        = "Deny"
    actions       = ["eks:*AccessEntry", "eks:*AccessPolicy", "eks:*PodIdentityAssociation", "eks:AccessKubernetesApi"]
    not_resources = local.own_clusters[each.key]
  }

  # Resources with the tag of another environment may not be used (this statement), and no resource may get such a tag (the next one).
  statement {
    sid       = "KeepOtherEnvironments"
    effect    = "Deny"
    actions   = ["*"]
    resources = ["*"]

    condition {
      test     = "StringNotEquals"
      variable = "aws:ResourceTag/Environment"
      values   = each.value
    }

    condition {
      test     = "Null"
      variable = "aws:ResourceTag/Environment"
      values   = ["false"]
    }
  }

  statement {
    sid       = "TagsOfThisEnvironment"
    effect    = "Deny"
    actions   = ["*"]
    resources = ["*"]

    condition {
      test     = "StringNotEquals"
      variable = "aws:RequestTag/Environment"
      values   = each.value
    }

    condition {
      test     = "Null"
      variable = "aws:RequestTag/Environment"
      values   = ["false"]
    }
  }

  # Resources of bootstrap, such as the key of the state bucket.
  statement {
    sid       = "KeepBootstrap"
    effect    = "Deny"
    actions   = ["kms:CreateGrant", "kms:Disable*", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Root"
      values   = ["bootstrap"]
    }
  }

  # Actions that share data with other accounts, or that give control over another team's instance.
  statement {
    sid    = "NoWayOut"
    effect = "Deny"
    actions = [
      "backup:PutBackupVaultAccessPolicy",
      "ec2:*IamInstanceProfile*",
      "ec2:GetPasswordData",
      "ec2:ModifyImageAttribute",
      "ec2:ModifyInstanceAttribute",
      "ec2:ModifySnapshotAttribute",
      "ec2:SendSerialConsoleSSHPublicKey",
      "ecr:*RegistryPolicy",
      "rds:ModifyDB*SnapshotAttribute",
      "secretsmanager:PutResourcePolicy",
      "sts:GetFederationToken",
    ]
    resources = ["*"]
  }
}
