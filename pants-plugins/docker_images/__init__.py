"""Images are named after their content, and those that are there are not built again."""
