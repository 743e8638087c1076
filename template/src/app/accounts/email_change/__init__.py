"""Change of email address: a link to the new address confirms it, and one to the former address takes it back."""
