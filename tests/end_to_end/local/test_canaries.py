"""The main job on the local target."""

from tests.end_to_end.core import Core


class TestCore(Core):
    """On the local target."""
