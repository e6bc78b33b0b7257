"""The inventory's way to PostgreSQL."""
