"""What people see: results as text or JSON, events as lines or a live view, failures."""
