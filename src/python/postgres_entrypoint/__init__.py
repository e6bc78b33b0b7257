"""What the database image runs first: it makes the cluster where there is none, then becomes it."""
