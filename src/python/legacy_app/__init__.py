"""The shop: the monolith that the inventory service was carved out of."""
