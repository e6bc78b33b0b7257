"""Revisions: same content, same name; any other content, another name."""

from hypothesis import given
from hypothesis import strategies as st

from deploytool.system.revision import revision_of

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
