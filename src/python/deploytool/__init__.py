"""Deploys a system to processes, Compose or Kubernetes, and changes it by judged canaries."""
