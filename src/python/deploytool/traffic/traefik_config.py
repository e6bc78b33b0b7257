"""Traefik's own configuration. Pure text, nothing is written."""

import yaml

from deploytool.traffic.metrics import DURATION_BUCKETS_S

# Requests in flight get this long when the router itself is stopped.
DRAIN_S = 10


def render_traefik(*, web: str, admin: str, routes: str) -> str:
    """Return the configuration.

    web: address for visitors, HOST:PORT. admin: for the deploy tool alone: API, ping, metrics.
    routes: the folder of route files.
    """
    return yaml.safe_dump(
        {
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
            "log": {"level": "ERROR", "noColor": True},
            "entryPoints": {
                "web": {
                    "address": web,
                    "transport": {"lifeCycle": {"graceTimeOut": f"{DRAIN_S}s"}},
                },
                "traefik": {"address": admin},
            },
            "api": {"insecure": True, "dashboard": False},
            "ping": {"entryPoint": "traefik"},
            "metrics": {
                "prometheus": {
                    "entryPoint": "traefik",
                    "addEntryPointsLabels": False,
                    "addRoutersLabels": False,
                    "addServicesLabels": True,
                    "buckets": list(DURATION_BUCKETS_S),
                }
            },
            "providers": {
                # A weight is in force this long after it was written.
                "providersThrottleDuration": "100ms",
                "file": {"directory": routes, "watch": True},
            },
        },
        sort_keys=False,
    )
