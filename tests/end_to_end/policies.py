"""Canary policies that tests declare; how the declared one fares is measured in benchmarks/."""

ALPHA = 0.0001
# Most tests are about what happens around a verdict, and take the first one that will do; how the
# declared policy fares is seen by those that ask for it.
QUICK = {
    "steps": [30, 50],
    "tolerance": 0.2,
    "poll_s": 0.5,
    "warm_up_s": 0.5,
    "least_step_s": 1,
    "least_step_requests": 20,
}
UNHURRIED = {
    "steps": [10, 25, 50],
    "tolerance": 0.01,
    "poll_s": 1,
    "warm_up_s": 2,
    "least_step_s": 5,
    "least_step_requests": 50,
}
