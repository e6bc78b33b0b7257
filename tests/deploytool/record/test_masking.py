"""No form of a secret gets through, and nothing else is touched."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploytool.record.masking import MASK, Masking

# "~" is left for the text around: it is in no form of any secret, nor does it run into one.
secrets = st.text(st.characters(codec="utf-8", exclude_characters="~"), min_size=4, max_size=40)
beside = st.text("~", max_size=5)

# On a busy machine a single example may take any time.
few = settings(max_examples=50, deadline=None)


def masking(*secrets: str) -> Masking:
    known = Masking()
    for secret in secrets:
        known.add(secret)
    return known


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "json-utf8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "url": lambda text: quote(text, safe=""),
    "url-path": quote,
    "form": quote_plus,
}


@few
@given(secret=secrets, before=st.text(max_size=9), after=st.text(max_size=9))
def test_a_secret_is_nowhere_in_the_masked_text(secret: str, before: str, after: str) -> None:
    masked = masking(secret).mask(before + secret + after)
    assert secret not in masked.replace(MASK, "~")


@few
@given(secret=secrets, around=beside)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoded_secret_goes_wholly_and_nothing_else(
    encoding: str, secret: str, around: str
) -> None:
    text = around + ENCODINGS[encoding](secret) + around
    assert masking(secret).mask(text) == around + MASK + around


@few
@given(secret=secrets, before=st.integers(0, 9), after=st.integers(0, 9))
def test_a_secret_inside_base64_keeps_no_digit_of_its_own(
    secret: str, before: int, after: int
) -> None:
    # A byte that is in no UTF-8 text, so in no secret.
    raw = b"\xff" * before + secret.encode() + b"\xff" * after
    digits = base64.b64encode(raw).decode().rstrip("=")
    first_own = -(-8 * before // 6)
    behind_own = 8 * (len(raw) - after) // 6
    assert masking(secret).mask(digits) == digits[:first_own] + MASK + digits[behind_own:]


def test_of_secrets_that_begin_alike_the_longer_goes_wholly() -> None:
    assert masking("pass", "password").mask("it is password") == f"it is {MASK}"


def test_values_that_occur_by_chance_are_left_alone() -> None:
    assert masking("", "a", "abc").mask("an abc") == "an abc"
