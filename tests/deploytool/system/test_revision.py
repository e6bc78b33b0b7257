"""Revisions: same content, same name; any other content, another name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.system.revision import differences, revision_of

names = st.text(min_size=1)
environments = st.dictionaries(names, st.text())


@given(names, names, environments)
def test_the_same_content_is_the_same_revision(
    component: str, artifact: str, environment: dict[str, str]
) -> None:
    turned = dict(reversed(environment.items()))
    assert revision_of(component, artifact, environment) == revision_of(component, artifact, turned)


@given(names, names, environments, names, st.text())
def test_another_setting_is_another_revision(
    component: str, artifact: str, environment: dict[str, str], name: str, value: str
) -> None:
    changed = {**environment, name: value}
    same = changed == environment
    first = revision_of(component, artifact, environment)
    assert (first.id == revision_of(component, artifact, changed).id) is same


@given(names, names, names, environments)
def test_another_artifact_is_another_revision(
    component: str, one: str, other: str, environment: dict[str, str]
) -> None:
    same = one == other
    first = revision_of(component, one, environment)
    assert (first.id == revision_of(component, other, environment).id) is same


def test_what_differs_is_told_in_a_few_words() -> None:
    stable = revision_of("shop", "aa", {"CACHE_S": "30", "OLD": "1", "MODE": "x"})
    assert differences(stable, stable) == ()
    assert differences(stable, revision_of("shop", "bb", stable.environment)) == ("build",)
    changed = revision_of("shop", "bb", {"CACHE_S": "60", "MODE": "x", "FAULT": "error:0.2"})
    assert differences(stable, changed) == (
        "build", "CACHE_S=60", "FAULT=error:0.2", "OLD (removed)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2"),
        ("API_KEY", "hunter2"),
        ("SMTP_AUTH", "hunter2"),
        ("github_token", "hunter2"),
        ("BROKER", "amqp://shop:hunter2@broker/"),
    ],
)
def test_a_value_that_may_be_a_secret_is_never_told(name: str, value: str) -> None:
    stable, changed = revision_of("shop", "aa", {}), revision_of("shop", "aa", {name: value})
    assert differences(stable, changed) == (f"{name} (its value is not shown)",)


def test_a_long_value_is_cut_and_stays_on_one_line() -> None:
    stable = revision_of("shop", "aa", {})
    [told] = differences(stable, revision_of("shop", "aa", {"NOTE": "first\nsecond " * 20}))
    assert told.startswith("NOTE=first second first")
    assert told.endswith("...")
    assert len(told) == len("NOTE=") + 40
