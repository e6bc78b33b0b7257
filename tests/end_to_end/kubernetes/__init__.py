"""The whole system on the kubernetes target."""
