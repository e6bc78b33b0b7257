"""What is kept: the target's durable state and lock, the operations log, the runs."""
