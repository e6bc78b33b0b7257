"""Router weights near a percentage that do not beat with periodic traffic.

A weighted round robin is deterministic: at 90:10 it gives the canary exactly each tenth request.
If the callers go round in a fixed cycle whose kinds of request fail unequally, the canary gets
some kinds only and is rolled back for them, however healthy it is: half of the healthy canaries
at a cycle of two, simulated. Weights whose ratio stays away from small fractions cure it.
"""

TOTAL = 10080

CANARY_WEIGHTS = (
    *(101, 197, 299, 401, 493, 607, 703, 809, 893, 1031),  # 1-10 %
    *(1097, 1207, 1313, 1409, 1501, 1609, 1723, 1811, 1913, 1951),  # 11-20 %
    *(2141, 2213, 2297, 2417, 2423, 2621, 2719, 2819, 2987, 3053),  # 21-30 %
    *(3127, 3223, 3233, 3481, 3509, 3631, 3737, 3833, 3943, 3943),  # 31-40 %
    *(4127, 4127, 4379, 4439, 4513, 4679, 4807, 4841, 4883, 4883),  # 41-50 %
)
"""The canary's weight of TOTAL for 1-50 %: the nearest without a divisor in common with TOTAL that
spread the canary's share over the kinds of every cycle of 2-20 requests, in blocks of 50 to 1,000,
not much less evenly than chance would. tests/deploytool/canary/test_weights.py measures that."""


def router_weights(percent: int) -> tuple[int, int]:
    """Return the weights (stable, canary) for the canary's share; 0 and 100 are exact.

    Between them the share is up to 1.6 points (mostly under 0.5) off: judge by the share observed.
    Raises ValueError outside 0-100.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"a weight is 0-100 percent, not {percent}")
    if percent in (0, 100):
        return 100 - percent, percent
    if percent > 50:
        canary, stable = router_weights(100 - percent)
        return stable, canary
    canary = CANARY_WEIGHTS[percent - 1]
    return TOTAL - canary, canary


def load_ratio(percent: int, stable: int = 1, canary: int = 1) -> float:
    """Return how many times the load of one of stable's processes each of the canary's carries.

    percent: the canary's share; 0 and 100 compare nothing: 1. stable, canary: how many serve.
    """
    if percent in (0, 100):
        return 1.0
    return percent * stable / ((100 - percent) * max(1, canary))
