"""Every pin of every lock is read, whatever Python and machine it is for."""

from lock_audit.pins import Place, read_pins, sheets

A, B, C = (f"sha256:{digit * 64}" for digit in "abc")

LOCK = f"""\
# a comment
One_name==1.0 ; sys_platform == 'win32' \\
    --hash={A} \\
    --hash={B}
two==2.0 ; python_full_version < '3.8' \\
    --hash={C}
two==2.1 ; python_full_version >= '3.8' \\
    --hash={C}
"""


def test_a_pin_is_known_by_name_and_version_with_all_places() -> None:
    pins = read_pins({"a.lock": LOCK, "b.lock": f"one-name==1.0 \\\n    --hash={A}\n"})

    assert [(pin.name, pin.version) for pin in pins] == [
        ("one-name", "1.0"),
        ("two", "2.0"),
        ("two", "2.1"),
    ]
    assert pins[0].hashes == {A, B}
    assert pins[0].places == [Place("a.lock", 2), Place("b.lock", 1)]


def test_no_sheet_holds_a_name_twice_and_none_holds_a_marker() -> None:
    assert sheets(read_pins({"a.lock": LOCK})) == [
        f"one-name==1.0 --hash={A} --hash={B}\ntwo==2.0 --hash={C}\n",
        f"two==2.1 --hash={C}\n",
    ]
