"""One module for each command; each has one `command`."""
