"""Mail over Amazon SES."""
