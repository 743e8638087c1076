"""Sampan's command line: what Copier does not offer to a template's users and its CI."""
