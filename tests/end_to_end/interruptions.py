"""Whatever is killed, on every platform the system comes back, and nothing acknowledged is lost."""

import signal
import time

import psutil
import pytest

from tests.end_to_end.deployed import COMPONENT, Deployed, consistent, draw, kill, until

# The line of its record at which a canary is killed: from where it is just asked for to where it is
# observed or replaces stable. Before the cleaning, when it is stable already, it has written 30.
KILLED_AT = 3, 24


class Interruptions:
    """The tests, for a subclass beside a platform's own fixtures."""

    @pytest.mark.parametrize("component", [COMPONENT, "legacy-app", "gateway", "database"])
    def test_a_killed_process_is_back_within_seconds(
        self, deployed: Deployed, component: str
    ) -> None:
        see_a_killed_process_replaced(deployed, component)

    @pytest.mark.parametrize("number", range(2))
    def test_a_killed_canary_can_be_resumed_or_aborted(
        self, deployed: Deployed, number: int
    ) -> None:
        see_a_killed_canary_resumed_or_aborted(deployed, number)


def see_a_killed_process_replaced(deployed: Deployed, component: str) -> None:
    """Kill what serves for a component; it must be back within seconds."""
    with deployed.visitors() as counts:
        victim = psutil.Process(deployed.pid_of(component))
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
        until(
            lambda: _is_replaced(deployed, component, victim) and _is_ready(deployed),
            what=f"{component} is back",
            deadline_s=30,
        )
        time.sleep(1)
        failed = counts().failures
        time.sleep(2)
        # Once it is back, nothing fails any more.
        assert counts().failures == failed, counts()
    consistent(deployed)


def _is_replaced(deployed: Deployed, component: str, victim: psutil.Process) -> bool:
    """Tell whether another process has taken the place of one that was killed.

    The platform may say for a moment that all is well: it has not noticed yet.
    """
    try:
        return deployed.pid_of(component) != victim.pid
    except LookupError:
        return False


def _is_ready(deployed: Deployed) -> bool:
    return all(each["condition"] == "ready" for each in deployed.status()["instances"])


def see_a_killed_canary_resumed_or_aborted(deployed: Deployed, number: int) -> None:
    """Kill a canary at a random line of its record; then go on with it, or take it back."""
    lines = draw(number).randint(*KILLED_AT)
    end = "resume" if number % 2 else "abort"
    with deployed.visitors(rate=60, seed=number) as counts:
        before, known = deployed.stable(), len(deployed.record())
        process = deployed.start(
            "canary", COMPONENT, "--env", f"TRIAL=info{number}", "--no-load",
            "--steps", "30,50",
        )  # fmt: skip
        until(
            lambda: len(deployed.record()) - known >= lines,
            what=f"the canary has recorded {lines} lines",
            deadline_s=180,
        )
        assert process.poll() is None
        kill(process)
        canary = deployed.status()["canary"]
        ended = deployed.run(end, *(["--no-load"] if end == "resume" else []), "--output", "json")
    is_too_late = end == "abort" and canary is not None and canary["phase"] == "cleaning"
    # Killed before it was saved, there is none to go on with.
    assert ended.code == (1 if canary is None or is_too_late else 0), f"{canary}: {ended}"
    assert counts().failures == 0, counts()
    after = deployed.stable()
    is_back = canary is None or (end == "abort" and not is_too_late)
    assert (after == before) is is_back, f"{canary}: {ended}"
    consistent(deployed)
