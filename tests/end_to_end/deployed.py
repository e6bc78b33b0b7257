"""A deployed system as the end-to-end tests see it, whatever its platform."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from deploytool.canary.observation import Snapshot
from deploytool.operations.replay import replay_run
from deploytool.record.file_store import FileStore
from deploytool.record.parts import opened
from deploytool.record.store import TargetState
from deploytool.system.declaration import read_system
from deploytool.system.load import Load
from deploytool.traffic.load.counts import LoadCounts
from deploytool.traffic.load.generator import LoadGenerator
from deploytool.traffic.router import TraefikApi
from tests.end_to_end.policies import ALPHA, QUICK

COMPONENT = "new-microservice"
SANDBOX = Path.cwd()
# At 80 requests a second, of which 3 in 4 reach the component, it then has the 1000 that a canary
# of it waits for.
HISTORY_S = 18
# Where it may be run, it is the owner.
PSQL = ("psql", "--quiet", "--tuples-only", "--no-align", "--username=owner", "--dbname=shop")
TOOL = "src.python.deploytool/binary.pex"


@dataclass(frozen=True)
class Ended:
    """A command that ended; `result` is its JSON object."""

    code: int
    output: str
    errors: str

    @property
    def result(self) -> dict[str, Any]:
        return dict(json.loads(self.output.splitlines()[-1]))

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.output}\n{self.errors[-6000:]}"


class Deployed(ABC):
    """The system on a target, driven by the built deploytool in a folder of its own.

    A subclass says what is different on its platform.
    """

    target: ClassVar[str]
    # Component -> what Pants built for it, below the sandbox.
    packages: ClassVar[Mapping[str, str]]

    def __init__(self, root: Path) -> None:
        self.root = root
        self._url: str | None = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", str(root)),
            "LANG": "C.UTF-8",
            "PEX": str(SANDBOX / TOOL),
            # Of all folders of a run: each package is unpacked once.
            "PEX_ROOT": str(root.parents[1] / "pex"),
            "DEPLOYTOOL_ARTIFACTS": json.dumps(
                {name: str(SANDBOX / path) for name, path in self.packages.items()}
            ),
        }

    @property
    def state(self) -> Path:
        return self.root / ".deploytool" / self.target

    @abstractmethod
    def pid_of(self, component: str) -> int:
        """Return the process, on this machine, that serves for a component.

        Raises LookupError when none does.
        """

    def psql_argv(self) -> list[str]:
        """Return the command that asks the database as its owner."""
        raise NotImplementedError

    def psql(self, statement: str) -> str:
        """Run a statement as the database's owner; return what it answers."""
        return subprocess.check_output(
            self.psql_argv(), input=statement, text=True, timeout=60
        ).strip()

    @contextmanager
    def psql_held(self, statement: str) -> Iterator[None]:
        """Keep a transaction open meanwhile that has run the statement."""
        with subprocess.Popen(
            self.psql_argv(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as psql:
            assert psql.stdin is not None
            assert psql.stdout is not None
            psql.stdin.write(f"BEGIN;\n{statement};\n\\echo held\n")
            psql.stdin.flush()
            assert psql.stdout.readline() == "held\n"
            try:
                yield
            finally:
                psql.stdin.close()

    @abstractmethod
    def see_nothing_beside(self, status: dict[str, Any]) -> None:
        """See that the platform runs what status tells, and nothing else."""

    @contextmanager
    def brought_up(self) -> Iterator[None]:
        """Have the system up meanwhile, with enough history to judge latency by."""
        self.make()
        try:
            ended = self.run("up")
            assert ended.code == 0, str(ended)
            self.done("load", "--load", "80", "--duration", str(HISTORY_S))
            yield
            self.replay()
        finally:
            ended = self.run("down", "--volumes", "--yes")
        assert ended.code == 0, str(ended)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        if arguments[0] in {"up", "down"}:  # what is published anew may get another port
            self._url = None
        return subprocess.Popen(
            [unpacked(self.environment["PEX_ROOT"]), *self._on_target(arguments)],
            cwd=self.root,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _on_target(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """Name the target unless the arguments do."""
        return arguments if "--target" in arguments else (*arguments, "--target", self.target)

    def run(self, *arguments: str, **environment: str) -> Ended:
        return self.ended(self.start(*arguments, **environment))

    def ended(self, process: "subprocess.Popen[str]", timeout_s: float = 300) -> Ended:
        try:
            output, errors = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            pytest.fail(f"not ended after {timeout_s} s:\n{output}\n{errors[-6000:]}")
        return Ended(process.returncode, output, errors)

    def done(self, *arguments: str, code: int = 0, **environment: str) -> dict[str, Any]:
        """Run a command that must end with the exit code; return its JSON result."""
        ended = self.run(*arguments, "--output", "json", **environment)
        assert ended.code == code, str(ended)
        return ended.result

    def status(self) -> dict[str, Any]:
        return self.done("status")

    def url(self) -> str:
        """Return where visitors reach the system, as status tells it."""
        if self._url is None:
            self._url = str(self.status()["url"])
        return self._url

    def saved(self) -> TargetState:
        """Return the target's state as it is kept: to ask a command for it takes seconds."""
        return FileStore(self.state).load()

    def stable(self, component: str = COMPONENT) -> str:
        """Return the revision of a component that is kept as the stable one."""
        return self.saved().stable[component].id

    def counters(self) -> Snapshot:
        """Return what the router has counted at both backends since it was started."""
        with self.router() as router:
            return router.snapshot(COMPONENT)

    @contextmanager
    def router(self) -> Iterator[TraefikApi]:
        """Ask the router itself, not deploytool."""
        ports = json.loads((self.state / "ports.json").read_text())
        with closing(TraefikApi(f"http://127.0.0.1:{ports['gateway.stable.admin']}")) as router:
            yield router

    def record(self) -> list[dict[str, Any]]:
        with opened(self.root / "logs" / "operations.log") as parts:
            return [json.loads(line) for part in parts for _, line in part.lines()]

    def replay(self) -> None:
        """See that every canary so far, however it went, comes out again from the record."""
        for canary in events(self.record(), "canary-started"):
            replay_run(self.root / "logs" / "operations.log", canary["run"])

    @contextmanager
    def visitors(
        self, rate: float = 50, seed: int = 7, load: Load | None = None
    ) -> Iterator[Callable[[], LoadCounts]]:
        """Send traffic meanwhile, by itself the declared; nothing acknowledged may be lost."""
        generator = LoadGenerator(self.url(), load or self.load(), rate, seed)
        generator.start()
        try:
            time.sleep(1)
            yield generator.snapshot
        finally:
            generator.stop(20)
        rechecked = generator.recheck()
        assert (rechecked.lost, rechecked.unknown) == ((), ())

    def load(self) -> Load:
        load = read_system(self._declaration).load
        assert load is not None
        return load

    def single_lines(self) -> Load:
        """Return the declared traffic with the first line alone of each order.

        An order of which one line was confirmed and another refused cannot be undone: the inventory
        takes nothing back.
        """
        declared = self.load().model_dump()
        for journey in declared["journeys"]:
            for step in journey["steps"]:
                if step["body"] and "lines" in step["body"]:
                    step["body"]["lines"] = step["body"]["lines"][:1]
        return Load.model_validate(declared)

    def make(self) -> None:
        """Lay out the folder, with a policy that allows fewer false rollbacks than the declared.

        At the declared alpha of 1 % one of a dozen healthy canaries may be rolled back by chance
        in every tenth run of these tests; the faulty ones have to be found by this policy, too.
        """
        shutil.copytree(SANDBOX / "deploy", self.root / "deploy")
        self._declare(alpha=ALPHA, **QUICK)

    @contextmanager
    def declared(self, **policy: object) -> Iterator[None]:
        """Change both services' canary policy meanwhile."""
        before = self._declare(**policy)
        try:
            yield
        finally:
            self._declaration.write_text(before)

    @contextmanager
    def answering_within(self, seconds: float) -> Iterator[None]:
        """Declare meanwhile that each service answers within this time."""
        before = self._declaration.read_text()
        line = f"    answer_within_s: {seconds:g}\n"
        after, count = re.subn(r"(?m)^    canary:\n", rf"{line}\g<0>", before)
        assert count == 2
        self._declaration.write_text(after)
        try:
            yield
        finally:
            self._declaration.write_text(before)

    @property
    def _declaration(self) -> Path:
        return self.root / "deploy" / "system.yaml"

    def _declare(self, **policy: object) -> str:
        before = self._declaration.read_text()
        rest = re.sub(rf"(?m)^      (?:{'|'.join(policy)}): .*\n", "", before)
        lines = "".join(f"      {name}: {value}\n" for name, value in policy.items())
        after, count = re.subn(r"(?m)^    canary:\n", rf"\g<0>{lines}", rest)
        assert count == 2
        self._declaration.write_text(after)
        return before


@cache
def unpacked(pex_root: str) -> str:
    """Return the program that the packaged tool unpacks and starts.

    To go through the package takes half of the time of a command, and there are thousands here.
    """
    return subprocess.check_output(
        ["python3.11", str(SANDBOX / TOOL), "-c", "import sys; print(sys.prefix, 'pex', sep='/')"],
        env={"PATH": os.environ["PATH"], "PEX_ROOT": pex_root, "PEX_INTERPRETER": "1"},
        text=True,
        timeout=120,
    ).strip()


def until(condition: Callable[[], bool], *, what: str, deadline_s: float = 60) -> float:
    """Wait for a condition; return the seconds it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < deadline_s, f"after {deadline_s} s not: {what}"
        time.sleep(0.1)
    return time.monotonic() - started


def events(record: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in record if line.get("event") == event]


def consistent(deployed: Deployed) -> None:
    """Nothing is left half done: one stable instance each, all of the data reconciles."""
    status = deployed.status()
    assert status["canary"] is None
    assert status["holder"] is None
    assert {i["role"] for i in status["instances"]} == {"stable"}
    checks = deployed.done("verify")
    assert checks["failed"] == 0
    deployed.see_nothing_beside(status)


def kill(process: "subprocess.Popen[str]") -> None:
    """End deploytool as a power cut would, without a last word."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def draw(seed: int) -> random.Random:
    return random.Random(seed)
