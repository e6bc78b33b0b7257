"""The whole system on the local target: plain processes of this machine."""

import os
from collections.abc import Iterator
from typing import Any, ClassVar

import psutil
import pytest

from tests.end_to_end.deployed import Deployed


class Deploytool(Deployed):
    """deploytool with processes of this machine."""

    target = "local"
    packages: ClassVar = {
        "legacy-app": "src.python.legacy_app/legacy_app.pex",
        "new-microservice": "src.python.new_microservice/new_microservice.pex",
        "runtime": "src.python.deploytool.platforms.local/runtime.pex",
    }

    def processes(self) -> list[psutil.Process]:
        """Return every process that works in or for the state folder."""
        found = []
        for process in psutil.process_iter():
            try:
                words = [process.cwd(), *process.cmdline(), *process.environ().values()]
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if process.pid != os.getpid() and any(str(self.state) in word for word in words):
                found.append(process)
        return found

    def process_of(self, component: str, port: int) -> psutil.Process:
        """Return the process that listens on the port."""
        for connection in psutil.net_connections("tcp4"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid:
                return psutil.Process(connection.pid)
        raise LookupError(f"nothing listens on {port} for {component}")

    def port_of(self, component: str, role: str = "stable") -> int:
        instances = self.status()["instances"]
        wanted = (component, role)
        address = next(i["address"] for i in instances if (i["component"], i["role"]) == wanted)
        return int(address.rsplit(":", 1)[1].split("/")[0])

    def pid_of(self, component: str, role: str = "stable") -> int:
        return self.process_of(component, self.port_of(component, role)).pid

    def see_nothing_beside(self, status: dict[str, Any]) -> None:
        # supervisord has one child for each instance, and nothing works beside its family.
        [supervisor] = [p for p in self.processes() if "supervisor.supervisord" in p.cmdline()]
        assert len(supervisor.children()) == len(status["instances"])
        family = {supervisor.pid, *(p.pid for p in supervisor.children(recursive=True))}
        assert {p.pid for p in self.processes()} <= family


# Ended before the tests of the next target: they share two cores.
@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deploytool]:
    """The system, up and with enough history to judge latency by."""
    tool = Deploytool(tmp_path_factory.mktemp("system") / "repository")
    with tool.brought_up():
        yield tool
    assert tool.processes() == []
