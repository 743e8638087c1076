"""`ops doctor`: each check looks at one thing and yields a finding for each fault."""
