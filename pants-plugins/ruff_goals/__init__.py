"""Current ruff in the goals lint, fix and fmt; Pants 2.17 still calls the ruff of 2023."""
