"""From main to production: release, deployment, and what people decide about it."""
