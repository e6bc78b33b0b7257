"""The main job on the kubernetes target."""

from tests.end_to_end.core import Core


class TestCore(Core):
    """On the kubernetes target."""
