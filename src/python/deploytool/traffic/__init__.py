"""The router: setting weights, reading observations, and making traffic where there is none."""
