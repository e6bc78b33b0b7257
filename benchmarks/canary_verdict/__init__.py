"""What the canary's verdict is worth, simulated: see __main__.py."""
