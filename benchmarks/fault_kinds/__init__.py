"""How soon a canary with each kind of fault is found, on a real system."""
