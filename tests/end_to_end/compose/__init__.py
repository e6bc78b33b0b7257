"""The whole system on the compose target, in a folder of its own, driven by the built deploytool."""
