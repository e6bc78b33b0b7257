"""The API keeps what its OpenAPI description promises, for inputs that nobody thought of."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from new_microservice.entrypoints.server import AnnouncingServer
from new_microservice.main import build
from new_microservice.settings import Settings
from tests.new_microservice.running import Fill


@pytest.fixture
def described_api(environment: dict[str, str], stocked: Fill) -> Iterator[schemathesis.BaseSchema]:
    """Serve in this process, from another thread: the pool belongs to one event loop."""
    stocked(BOWL=1_000_000)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        values = {name.lower(): value for name, value in environment.items()}
        app, readiness = build(Settings.model_validate(values))
        server = AnnouncingServer(app, readiness, host="127.0.0.1", port=0)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = listening.getsockname()[1]
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_one_that_was_promised(
    described_api: schemathesis.BaseSchema, mode: GenerationMode
) -> None:
    """For requests as described (positive) and for those that break the description."""
    # The others take no input that could break anything.
    described_api = described_api.include(path_regex="^/v1/")
    operations = [r.ok() for r in described_api.get_all_operations() if isinstance(r, Ok)]
    assert len(operations) == 6
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def keeps_its_promise(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate()

        keeps_its_promise()
