"""The `deployment` target: one `pants run` builds what a place needs and starts the deploy tool."""
