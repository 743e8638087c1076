"""One module a group of commands. Each defines `app`."""
