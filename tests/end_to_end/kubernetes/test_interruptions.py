"""What is killed on the kubernetes target comes back; of deploytool itself see the fault matrix."""

import pytest

from tests.end_to_end.interruptions import see_a_killed_process_replaced
from tests.end_to_end.kubernetes.conftest import Deploytool


# The services have a second pod: see test_faults.py.
@pytest.mark.parametrize("component", ["gateway", "database"])
def test_a_killed_process_is_back_within_seconds(deployed: Deploytool, component: str) -> None:
    see_a_killed_process_replaced(deployed, component)
