"""What is killed on the compose target comes back."""

import pytest

from tests.end_to_end.compose.conftest import Deploytool
from tests.end_to_end.interruptions import (
    Interruptions,
    see_a_killed_canary_resumed_or_aborted,
)


class TestInterruptions(Interruptions):
    """On the compose target."""

    @pytest.mark.parametrize("number", range(4))
    def test_a_killed_canary_can_be_resumed_or_aborted(
        self, deployed: Deploytool, number: int
    ) -> None:
        see_a_killed_canary_resumed_or_aborted(deployed, number)
