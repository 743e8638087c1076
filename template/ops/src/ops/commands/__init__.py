"""One module per group of commands. Each defines `app`."""
