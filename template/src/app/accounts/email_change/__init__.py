"""Change of email address: a link to the new address confirms it, a link to the former address undoes it."""
