"""The main job on the compose target."""

from tests.end_to_end.core import Core


class TestCore(Core):
    """On the compose target."""
