"""What is deployed and where to: the declaration of the system, its targets, its revisions."""
