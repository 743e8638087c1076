"""Sampan's command line: what a template's users and its CI need beside Copier."""
