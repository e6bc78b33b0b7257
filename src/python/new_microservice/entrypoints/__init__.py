"""The inventory over HTTP: routes, probes, metrics, logs, graceful stop, faults for canaries."""
