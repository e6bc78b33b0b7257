import pytest

from deploytool.canary.failure import (
    FailureKind,
    failure_kind,
    is_client_error,
    is_redirect,
    is_success,
)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, FailureKind.NO_CONNECTION),
        (502, FailureKind.NO_CONNECTION),
        (504, FailureKind.TIMEOUT),
        (500, FailureKind.SERVER_ERROR),
        (503, FailureKind.SERVER_ERROR),
        (599, FailureKind.SERVER_ERROR),
        (400, None),
        (498, None),
        (499, FailureKind.GAVE_UP),
        (200, None),
        (302, None),
        (600, None),
    ],
)
def test_the_status_tells_how_a_request_failed(code: int, kind: FailureKind | None) -> None:
    assert failure_kind(code) is kind


def test_every_other_answer_is_a_success_or_a_redirect_or_a_client_error() -> None:
    codes = (200, 204, 299, 300, 302, 304, 308, 399, 400, 404, 498)
    assert [code for code in codes if is_success(code)] == [200, 204, 299, 304]
    assert [code for code in codes if is_redirect(code)] == [300, 302, 308, 399]
    assert [code for code in codes if is_client_error(code)] == [400, 404, 498]
    assert not any(is_of(499) for is_of in (is_success, is_redirect, is_client_error))
