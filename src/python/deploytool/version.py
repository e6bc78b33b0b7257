"""The version of deploytool."""

VERSION = "0.1.0"
