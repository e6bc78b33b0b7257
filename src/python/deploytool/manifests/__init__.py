"""Kubernetes manifests as files: what is wrong with them, and in which line. Knows no cluster."""
