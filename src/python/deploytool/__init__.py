"""Deploys a system of components to processes, Compose or Kubernetes, and changes it by canaries."""
