"""Recovery: links by mail that confirm an address or set a new password, and the pages that they open."""
