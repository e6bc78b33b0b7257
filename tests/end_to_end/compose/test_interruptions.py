"""What is killed on the compose target comes back."""

from tests.end_to_end.interruptions import Interruptions


class TestInterruptions(Interruptions):
    """On the compose target."""
