"""Asks whether vulnerabilities are known of anything that a lock pins."""
