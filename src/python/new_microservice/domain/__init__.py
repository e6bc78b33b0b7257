"""The rules of stock and reservations: values and pure decisions, no I/O."""
