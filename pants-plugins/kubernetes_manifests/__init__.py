"""The `kubernetes_manifests` target: what `deploytool validate` says, in the goal lint."""
