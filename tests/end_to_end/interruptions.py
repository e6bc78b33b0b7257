"""Whatever is killed, on every platform the system comes back, and nothing acknowledged is lost."""

import signal
import time

import psutil
import pytest

from tests.end_to_end.deployed import COMPONENT, Deployed, consistent, draw, kill, until


class Interruptions:
    """The tests, for a subclass beside a platform's own fixtures."""

    def test_ctrl_c_leaves_a_state_that_abort_accepts(self, deployed: Deployed) -> None:
        process = deployed.start("canary", COMPONENT, "--env", "TRIAL=infoc")
        until(lambda: deployed.status()["canary"] is not None, what="the canary begins")
        process.send_signal(signal.SIGINT)
        ended = deployed.ended(process, timeout_s=30)
        assert ended.code == 130
        assert "resume" in ended.errors
        assert "abort" in ended.errors
        assert deployed.done("abort")["result"] == "rolled-back"
        consistent(deployed)

    @pytest.mark.parametrize("component", [COMPONENT, "legacy-app", "gateway", "database"])
    def test_a_killed_process_is_back_within_seconds(
        self, deployed: Deployed, component: str
    ) -> None:
        with deployed.visitors() as counts:
            victim = psutil.Process(deployed.pid_of(component))
            victim.send_signal(signal.SIGKILL)
            victim.wait(10)
            took_s = until(
                lambda: all(i["condition"] == "ready" for i in deployed.status()["instances"]),
                what=f"{component} is back",
                deadline_s=30,
            )
            time.sleep(2)
            failed = counts().failures
            time.sleep(3)
            # Once it is back, nothing fails any more.
            assert counts().failures == failed, counts()
        assert took_s < 15
        assert deployed.pid_of(component) != victim.pid
        consistent(deployed)

    @pytest.mark.parametrize("command", ["canary", "up"])
    def test_a_second_operation_is_refused_and_told_who_works(
        self, deployed: Deployed, command: str
    ) -> None:
        first = deployed.start("canary", COMPONENT, "--env", "TRIAL=infos")
        try:
            until(
                lambda: deployed.status()["holder"] is not None, what="the first holds the target"
            )
            second = deployed.run(command)
        finally:
            first.send_signal(signal.SIGINT)
            deployed.ended(first, timeout_s=30)
        assert second.code == 6, str(second)
        assert f"process {first.pid}" in second.errors or f"pid {first.pid}" in second.errors
        assert "since" in second.errors
        if deployed.status()["canary"] is not None:
            deployed.done("abort")
        consistent(deployed)


def see_a_killed_canary_resumed_or_aborted(deployed: Deployed, number: int) -> None:
    """Kill a canary at a random moment; then go on with it, or take it back."""
    chance = draw(number)
    end = "resume" if number % 2 else "abort"
    with deployed.visitors(rate=60, seed=number) as counts:
        before = deployed.stable()["revision"]
        process = deployed.start(
            "canary", COMPONENT, "--env", f"TRIAL=info{number}", "--no-load",
            "--steps", "30,50",
        )  # fmt: skip
        time.sleep(chance.uniform(0.5, 28))
        was_running = process.poll() is None
        kill(process)
        is_under_way = deployed.status()["canary"] is not None
        ended = deployed.run(end, *(["--no-load"] if end == "resume" else []), "--output", "json")
    assert ended.code == (0 if is_under_way else 1), f"{was_running}: {ended}"
    assert counts().failures == 0, counts()
    after = deployed.stable()["revision"]
    if is_under_way:
        assert (after == before) is (end == "abort"), str(ended)
    consistent(deployed)
