"""Properties here are exact: always the same examples, and no limit on a busy machine's time."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "exact", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("exact")
