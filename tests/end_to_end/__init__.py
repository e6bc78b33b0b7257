"""The whole system, on every platform."""
