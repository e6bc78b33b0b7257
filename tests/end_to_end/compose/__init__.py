"""The whole system on the compose target, driven by the built deploytool."""
