"""The local platform with the real PostgreSQL, Traefik and supervisord."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import psycopg
import pytest

from deploytool.errors import InvalidInput, MigrationFailed, PlatformFailed
from deploytool.platforms.base import Condition, Platform, Role
from deploytool.platforms.local.orphans import processes
from deploytool.platforms.ports import is_free
from tests.deploytool.platforms.local.conftest import (
    Place,
    await_condition,
    equipped_place,
    migrate,
)
from tests.deploytool.platforms.local.traffic import Visitors


def pid_of(place: Place, program: str) -> int:
    """Return the first process of a supervised program, by the name of what it runs."""
    found = [
        process
        for process in processes(place.folder)
        if any(Path(word).name == program for word in process.cmdline()[:2])
    ]
    return min(found, key=lambda process: process.create_time()).pid


def test_a_second_start_of_the_foundation_changes_nothing(
    place: Place, unpacked: Place, up: Platform
) -> None:
    [told] = [wait for wait in unpacked.waits if "is unpacked" in wait]
    assert "once for each build" in told
    assert place.waits == []
    before = {process.pid for process in processes(place.folder)}
    assert up.foundation_changes() == {}
    up.prepare()
    assert list(up.start_foundation(30)) == []
    up.start(place.revision(), Role.STABLE)
    assert {process.pid for process in processes(place.folder)} >= before


def test_the_route_strips_its_prefix_and_matches_whole_names(up: Platform) -> None:
    answer = json.loads(up.request_through_gateway("/app/a/b?c=d").body)
    assert (answer["path"], answer["prefix"]) == ("/a/b?c=d", "/app")
    assert up.request_through_gateway("/apple").status == 404


def test_a_service_gets_its_declared_environment_and_none_of_the_callers(up: Platform) -> None:
    names = set(json.loads(up.request("web", Role.STABLE, "/").body)["environment"])
    declared = {"LISTEN_PORT", "SERVICE_REVISION", "DB_PASS_FILE", "OWN_URL"}
    assert declared <= names
    given = {"PATH", "HOME", "LANG", "PEX_ROOT", "DEPLOYTOOL_STATE"}
    by_shell = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
    assert names - declared <= given | by_shell


def test_migrations_are_applied_once_and_a_refused_one_is_named(place: Place, up: Platform) -> None:
    migrate(up)
    assert migrate(up) == []
    assert list(up.pending_migrations("contract")) == []
    assert up.query("SELECT n FROM things;") == [{"n": 7}]
    bad = place.migrations / "expand/20270101000000_bad.sql"
    bad.write_text("-- migrate:up\nALTER TABLE nothing ADD x int;\n-- migrate:down\n")
    try:
        assert list(up.pending_migrations("expand")) == [bad.name]
        with pytest.raises(MigrationFailed) as failure:
            migrate(up)
    finally:
        bad.unlink()
    assert bad.name in failure.value.what
    assert 'relation "nothing" does not exist' in failure.value.why


def test_contract_migrations_are_counted_apart_from_expand_migrations(
    place: Place, up: Platform
) -> None:
    migrate(up)
    # Its version is that of the expand migration.
    contract = place.migrations / "contract/20260101000000_less.sql"
    contract.parent.mkdir()
    contract.write_text("-- migrate:up\nALTER TABLE things DROP nothing;\n-- migrate:down\n")
    with pytest.raises(MigrationFailed) as failure:
        migrate(up, "contract")
    assert f"correct {contract}, then `deploytool up`" in failure.value.hint
    assert list(up.pending_migrations("contract")) == [contract.name]
    contract.write_text(
        "-- migrate:up\nALTER TABLE things ALTER n SET NOT NULL;\n-- migrate:down\n"
    )
    assert migrate(up, "contract") == [contract.name]
    assert list(up.pending_migrations("contract")) == []


def test_a_query_cannot_write(up: Platform) -> None:
    with pytest.raises(PlatformFailed, match="refused"):
        up.query("DELETE FROM things RETURNING 1")
    with pytest.raises(PlatformFailed) as failure:
        up.query("SELECT lo_create(0)")
    assert "read-only" in failure.value.why


def test_a_role_logs_in_with_its_generated_password_alone(place: Place, up: Platform) -> None:
    migrate(up)
    port = up.instance("store", Role.STABLE).address.rpartition(":")[2]
    password = (place.folder / "secrets/store-web").read_text()
    where = f"host=127.0.0.1 port={port} user=web dbname=test"
    with psycopg.connect(where, password=password) as connection:
        assert connection.execute("SELECT n FROM things").fetchall() == [(7,)]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(where, password="wrong")


def test_a_weight_is_in_force_when_set_returns(place: Place, up: Platform) -> None:
    place.start(up, Role.CANARY, SHADE="blue")

    def served(requests: int) -> tuple[int, int]:
        before = up.observe("web")
        for _ in range(requests):
            assert up.request_through_gateway("/app/").status == 200
        after = up.observe("web")
        return (
            after.stable.answered - before.stable.answered,
            after.canary.answered - before.canary.answered,
        )

    assert (up.weight("web"), served(20)) == (0, (20, 0))
    for percent, expected in ((50, (50, 50)), (10, (90, 10))):
        up.set_weight("web", percent, 10)
        assert up.weight("web") == percent
        assert served(100) == pytest.approx(expected, abs=4)
    up.set_weight("web", 100, 10)
    assert (up.weight("web"), served(20)) == (100, (0, 20))
    up.set_weight("web", 0, 10)
    assert (up.weight("web"), served(20)) == (0, (20, 0))


def test_replacing_stable_by_way_of_a_canary_loses_no_request(place: Place, up: Platform) -> None:
    with Visitors(up.gateway_url() + "/app/work") as visitors:
        time.sleep(0.5)
        place.start(up, Role.CANARY, SHADE="green")
        up.set_weight("web", 50, 10)
        time.sleep(0.5)
        up.set_weight("web", 100, 10)
        time.sleep(0.5)
        green = place.start(up, Role.STABLE, SHADE="green")
        up.set_weight("web", 0, 10)
        up.stop("web", Role.CANARY)
        time.sleep(0.5)
    assert set(visitors.answers) == {"200"}
    assert visitors.answers["200"] > 100
    assert up.instance("web", Role.STABLE).revision == green.id
    assert up.instance("web", Role.CANARY).condition is Condition.ABSENT


def test_a_canary_stopped_in_full_work_loses_no_request(place: Place, up: Platform) -> None:
    place.start(up, Role.CANARY, SHADE="red")
    with Visitors(up.gateway_url() + "/app/work", rate=100) as visitors:
        up.set_weight("web", 50, 10)
        time.sleep(0.5)
        up.stop("web", Role.CANARY)
        time.sleep(0.5)
    assert set(visitors.answers) == {"200"}


@pytest.mark.parametrize(
    ("component", "program"), [("web", "app.pex"), ("edge", "traefik"), ("store", "postgres")]
)
def test_what_is_killed_is_back_within_seconds(
    place: Place, up: Platform, component: str, program: str
) -> None:
    before = up.instance(component, Role.STABLE).restarts
    os.kill(pid_of(place, program), signal.SIGKILL)
    await_condition(
        lambda: up.instance(component, Role.STABLE), Condition.WAITING, limit_s=2
    ) if component == "web" else time.sleep(0.2)
    await_condition(lambda: up.instance(component, Role.STABLE), limit_s=10)
    with place.open() as another:
        assert another.instance(component, Role.STABLE).restarts == before + 1
    await_condition(lambda: up.instance("web", Role.STABLE))
    assert up.request_through_gateway("/app/").status == 200


def test_a_hopeless_instance_says_why_and_does_not_spin(place: Place, up: Platform) -> None:
    hopeless = place.revision(FAIL="no ink")
    up.install(hopeless, place.service)
    up.start(hopeless, Role.CANARY)
    began = time.monotonic()
    while (instance := up.instance("web", Role.CANARY)).restarts < 2:
        assert time.monotonic() < began + 20, instance
        time.sleep(0.1)
    # One second before the first restart; the note of the second comes before its pause.
    assert time.monotonic() - began > 0.9
    assert instance.condition is Condition.WAITING
    assert "exit status 3" in instance.reason
    assert "cannot work: no ink" in instance.reason
    assert up.instance("web", Role.STABLE).condition is Condition.READY


def test_an_instance_that_is_not_ready_says_what_it_answers(place: Place, up: Platform) -> None:
    unready = place.revision(UNREADY="1")
    up.install(unready, place.service)
    up.start(unready, Role.CANARY)
    deadline = time.monotonic() + 10
    while "503" not in (reason := up.instance("web", Role.CANARY).reason):
        assert time.monotonic() < deadline, reason
        time.sleep(0.1)
    assert up.instance("web", Role.CANARY).condition is Condition.WAITING


def test_a_stopped_process_is_not_taken_for_ready_until_it_goes_on(
    place: Place, up: Platform
) -> None:
    pid, before = pid_of(place, "app.pex"), up.instance("web", Role.STABLE)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        instances = [up.instance("web", Role.STABLE) for _ in range(2)]
        assert time.monotonic() - began < 4
    finally:
        os.kill(pid, signal.SIGCONT)
    assert {each.condition for each in instances} == {Condition.WAITING}
    assert await_condition(lambda: up.instance("web", Role.STABLE)) == before


def test_a_killed_supervisord_is_replaced_without_orphans(place: Place, up: Platform) -> None:
    supervisor = next(p for p in processes(place.folder) if "supervisor.supervisord" in p.cmdline())
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait(5)
    left = {process.pid for process in processes(place.folder)}
    assert left, "the others go on"
    assert set(up.foundation_changes()) == {"store", "edge"}
    up.prepare()
    assert not left & {process.pid for process in processes(place.folder)}
    up.start_foundation(30)
    await_condition(lambda: up.instance("web", Role.STABLE))


def test_secrets_stand_in_their_files_alone(place: Place, up: Platform) -> None:
    place.start(up, Role.CANARY, BLAB="1")
    secrets = [path.read_text().strip() for path in (place.folder / "secrets").iterdir()]
    assert len(secrets) >= 4
    written = "".join(path.read_text() for path in (place.folder / "logs").iterdir())
    blabbed = (place.folder / "secrets/store-web").read_text()
    assert blabbed in written
    shown = [
        line.text
        for line in up.logs(["web", "store", "edge"], lines=50, follow=False, is_stopped=bool)
    ]
    assert any("the password is" in text for text in shown)
    for process in processes(place.folder):
        shown += process.cmdline()
        shown += process.environ().values() if process.is_running() else []
    assert not [secret for secret in secrets if any(secret in text for text in shown)]
    assert not [s for s in secrets if s != blabbed and s in written]
    for path in (place.folder / "secrets").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert place.folder.stat().st_mode & 0o777 == 0o700


def test_two_targets_on_one_machine_do_not_disturb_each_other(
    place: Place, up: Platform, tmp_path: Path
) -> None:
    mine = {process.pid for process in processes(place.folder)}
    other = equipped_place(tmp_path, place)
    with other.open() as platform:
        platform.prepare()
        platform.start_foundation(60)
        assert platform.gateway_url() != up.gateway_url()
        platform.down(remove_volumes=True, deadline_s=20)
    assert not processes(other.folder)
    assert not other.folder.exists()
    assert {process.pid for process in processes(place.folder)} == mine
    assert up.request_through_gateway("/app/").status == 200


def test_down_ends_everything_even_what_is_no_longer_supervised(place: Place, up: Platform) -> None:
    ports = json.loads((place.folder / "ports.json").read_text()).values()
    supervisor = next(p for p in processes(place.folder) if "supervisor.supervisord" in p.cmdline())
    os.kill(supervisor.pid, signal.SIGKILL)
    up.down(remove_volumes=False, deadline_s=20)
    assert not processes(place.folder)
    assert all(is_free(port) for port in ports)
    assert up.instance("web", Role.STABLE).condition is Condition.ABSENT
    assert (place.folder / "database").is_dir()


def test_without_a_build_it_works_with_what_is_installed(place: Place, up: Platform) -> None:
    with Place(place.root, runtime=None).open() as platform:
        platform.prepare()
        assert list(platform.start_foundation(30)) == []
        assert platform.instance("web", Role.STABLE).condition is Condition.READY
        assert platform.revisions("web")[0] == place.revision()


def test_the_gateways_own_port_taken_names_who_has_it(place: Place, up: Platform) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = Place(place.root, place.runtime, gateway_port=port)
        with other.open() as platform, pytest.raises(InvalidInput) as failure:
            platform.start_foundation(30)
    assert str(port) in failure.value.what
    assert f"pid {os.getpid()}" in failure.value.why
    assert up.request_through_gateway("/app/").status == 200
