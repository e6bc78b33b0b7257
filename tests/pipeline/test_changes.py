"""Which changes need the graph of before."""

import pytest

from pipeline.changes import needs_base


@pytest.mark.parametrize(
    ("changed", "needed"),
    [
        ({"a.py": "M", "b.py": "A"}, False),
        ({"a.py": "M", "b.py": "D"}, True),
        ({"src/BUILD": "M"}, True),
        ({"src/BUILDING": "M"}, False),
        ({"BUILD": "A"}, True),
    ],
)
def test_what_is_gone_and_what_defines_targets_do(changed: dict[str, str], needed: bool) -> None:
    assert needs_base(changed) is needed
