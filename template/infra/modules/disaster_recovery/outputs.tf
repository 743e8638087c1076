output "copy_vault_arn" {
  description = "ARN of the vault in the other region."
  value       = aws_backup_vault.copy.arn
}
