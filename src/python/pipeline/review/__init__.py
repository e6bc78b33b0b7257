"""What a change comes to, for those who review it; computed without a cluster."""
