"""The whole system on the local target, driven by the built deploytool."""
