"""Prepares what an image copies, inside the image that builds it."""
