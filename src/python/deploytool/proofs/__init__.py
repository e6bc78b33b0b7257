"""What proves where an artifact comes from: its signature and attestations, made and checked."""
