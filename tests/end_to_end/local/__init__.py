"""The whole system on the local target, in a folder of its own, driven by the built deploytool."""
