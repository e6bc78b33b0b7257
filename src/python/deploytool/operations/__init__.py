"""What happens in which order: one module for each command, knowing no platform and no terminal."""
