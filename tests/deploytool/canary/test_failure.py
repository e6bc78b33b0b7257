import pytest

from deploytool.canary.failure import FailureKind, failure_kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, FailureKind.NO_CONNECTION),
        (502, FailureKind.NO_CONNECTION),
        (504, FailureKind.TIMEOUT),
        (500, FailureKind.SERVER_ERROR),
        (503, FailureKind.SERVER_ERROR),
        (599, FailureKind.SERVER_ERROR),
        (400, FailureKind.CLIENT_ERROR),
        (498, FailureKind.CLIENT_ERROR),
        (499, None),  # the client left: nobody's failure
        (200, None),
        (302, None),
        (600, None),
    ],
)
def test_the_status_tells_how_a_request_failed(code: int, kind: FailureKind | None) -> None:
    assert failure_kind(code) is kind
