"""What a change comes to, in words: manifests, migrations, the selection."""

from pipeline.review import manifests, migrations, selected
from pipeline.review.migrations import Migration

FOLDER = "deploy/database/migrations"


def test_manifests_are_told_by_target_with_their_lines() -> None:
    text = manifests.told(
        {"staging": "a\nb\n", "same": "x\n", "old": "x"}, {"staging": "a\nc\n", "same": "x\n"}
    )
    assert "staging: 1 lines more, 1 lines less" in text
    assert "-b\n+c" in text
    assert "**same**: the same." in text
    assert "**old**: not a target any more." in text


def test_no_line_of_a_difference_ends_its_block() -> None:
    text = manifests.told({"t": "a"}, {"t": "`" * 12})
    assert text.count("`" * 8) == 2


def test_migrations_are_told_with_their_kind_and_what_it_means() -> None:
    changed = {
        f"{FOLDER}/expand/1_add.sql": "A",
        f"{FOLDER}/contract/2_drop.sql": "M",
        f"{FOLDER}/expand/.squawk.toml": "A",
        "deploy/other/expand/3.sql": "A",
    }
    found = migrations.migrations_among(changed, FOLDER)
    assert found == [
        Migration("M", "contract", "2_drop.sql"),
        Migration("A", "expand", "1_add.sql"),
    ]
    text = migrations.told(found)
    assert "| new | expand |" in text
    assert "cuts off the way back" in text
    assert "never sees a change" in text


def test_a_new_migration_alone_warns_of_nothing() -> None:
    assert "⚠️" not in migrations.told([Migration("A", "expand", "1.sql")])
    assert migrations.told([]) == "No migration changes."


def test_the_selection_is_told_with_a_reason_for_each_part() -> None:
    selection = {"stages": [{"name": "checks"}, {"name": "parts"}], "deployments": ["compose"]}
    text = selected.told(selection, ["tests: shop was edited"])
    assert "Stages of the gate: checks, parts. Deployments to replace: compose." in text
    assert "why: 1 reasons" in text
    assert "tests: shop was edited" in text
    assert "Nothing is to be checked" in selected.told({"stages": [], "deployments": []}, [])
