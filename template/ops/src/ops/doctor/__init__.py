"""`ops doctor`: each check covers one subject and yields one finding per fault."""
