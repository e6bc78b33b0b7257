"""When a call is tried again, and when not at all."""

from legacy_app.adapters.resilience import CircuitBreaker, RetryBudget


def test_retries_are_a_tenth_of_the_calls_once_the_savings_are_gone() -> None:
    budget = RetryBudget(ratio=0.1, burst=5)
    retries = 0
    for _ in range(1000):
        budget.earn()
        if budget.has_retry:
            budget.spend()
            retries += 1
    assert 100 <= retries <= 105


def test_the_breaker_stays_closed_while_some_calls_succeed() -> None:
    breaker = CircuitBreaker(threshold=3)
    for _ in range(100):
        breaker.failed(0)
        breaker.failed(0)
        breaker.succeeded()
    assert breaker.lets_through(0)


def test_the_breaker_opens_then_tries_one_call_a_rest_until_one_succeeds() -> None:
    breaker = CircuitBreaker(threshold=3, rest_s=1)
    for _ in range(3):
        breaker.failed(10)
    assert not breaker.lets_through(10.9)
    assert breaker.lets_through(11)
    assert not breaker.lets_through(11), "the outcome of the first is not known yet"
    breaker.failed(11.5)
    assert not breaker.lets_through(12.4)
    assert breaker.lets_through(12.5)
    breaker.succeeded()
    assert breaker.lets_through(12.5)
    assert breaker.lets_through(12.5)
