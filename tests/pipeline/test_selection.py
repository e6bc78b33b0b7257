"""The selection as a value: its stages, and what it is printed as."""

import json

from pipeline.selection import Selection, Stage, everything


def test_all_work_has_all_stages_and_starts_what_each_needs() -> None:
    assert everything("why").stages() == (
        Stage("checks"),
        Stage("packages", engine=True),
        Stage("parts", engine=True),
        Stage("compose", engine=True),
        Stage("local"),
        Stage("kubernetes", engine=True, cluster=True),
    )


def test_a_package_without_an_image_starts_no_engine() -> None:
    assert Selection(packages=("a:a",)).stages() == (Stage("packages"),)
    assert Selection(images=("a:a",)).stages() == (Stage("packages", engine=True),)


def test_it_is_printed_as_one_object_that_programs_can_read() -> None:
    printed = json.loads(everything("why").as_json("abc"))
    assert (printed["format"], printed["base"], printed["everything"]) == (1, "abc", "why")
    assert printed["tests"]["kubernetes"] == ["::"]
    assert printed["stages"][-1] == {"name": "kubernetes", "engine": True, "cluster": True}
    assert printed["reasons"] == ["everything: why"]
