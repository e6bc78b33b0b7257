"""References in a service's environment."""

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.local.services import resolve

KNOWN = {"store.port": "5432", "web.url": "http://127.0.0.1:1/app"}


def test_references_are_replaced_wherever_they_stand() -> None:
    declared = {"A": "${store.port}", "B": "x-${store.port}-${web.url}", "C": "$HOME {store.port}"}
    assert resolve("web", declared, KNOWN) == {
        "A": "5432",
        "B": "x-5432-http://127.0.0.1:1/app",
        "C": "$HOME {store.port}",
    }


def test_an_unknown_reference_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolve("web", {"A": "${store.socket}"}, KNOWN)
    assert "web.environment.A refers to ${store.socket}" in refusal.value.what
    assert "store.port" in refusal.value.why
