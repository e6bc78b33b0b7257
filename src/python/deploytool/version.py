"""The version of deploytool."""

VERSION = "0.2.0"
