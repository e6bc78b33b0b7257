"""What people do with the system on the compose target."""

from tests.end_to_end.operations import Operations


class TestOperations(Operations):
    """On the compose target."""
