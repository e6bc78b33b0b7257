"""The command line: arguments in, rendering out; one module for each command."""
