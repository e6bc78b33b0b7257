"""The small shop, running."""

from collections.abc import Iterator

import pytest

from tests.deploytool.traffic.load.shop import Shop, running_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with running_shop() as running:
        yield running
