"""The database's image can stand where the public `postgres` image stands."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.images.conftest import Containers, await_true, exit_code, is_healthy, run

PASSWORD = "hazelnut-7391"
SECRET = "/run/secrets/password"
SCRIPTS = "/docker-entrypoint-initdb.d"
DATA = "/var/lib/postgresql/data"
TMP = {"/tmp": ""}


def readable(path: Path) -> Path:
    """Let the user in a container read it, whatever the mask here."""
    path.chmod(0o755 if path.is_dir() else 0o444)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("database")
    for each in (folder, folder.parent):
        each.chmod(0o755)
    (folder / "password").write_text(PASSWORD + "\n")
    scripts = folder / "scripts"
    scripts.mkdir()
    (scripts / "1.sql").write_text("CREATE TABLE kept (word text);")
    (scripts / "2.sql.gz").write_bytes(gzip.compress(b"INSERT INTO kept VALUES ('once');"))
    (scripts / "README").write_text("ignored")
    for path in folder.rglob("*"):
        readable(path)
    return folder


@pytest.fixture(scope="module")
def database(containers: Containers, folder: Path) -> Container:
    database = containers.start(
        "database",
        environment={
            "POSTGRES_USER": "keeper",
            "POSTGRES_DB": "shop",
            "POSTGRES_PASSWORD_FILE": SECRET,
        },
        mounts={folder / "password": SECRET, folder / "scripts": SCRIPTS},
        tmpfs=TMP,
    )
    await_true(lambda: is_healthy(database))
    return database


def query(database: Container, sql: str, **environment: str) -> str:
    argv = ["psql", "--no-password", "--tuples-only", "--no-align", "--command", sql]
    done = run(database, [*argv, "--username=keeper", "shop"], **environment)
    assert done.code == 0, done.output
    return done.output.strip()


def test_user_database_and_scripts_are_as_asked_for(database: Container) -> None:
    assert query(database, "SELECT word FROM kept") == "once"
    assert query(database, "SHOW server_encoding") == "UTF8"


def test_the_password_of_the_file_is_asked_for_over_tcp(database: Container) -> None:
    assert query(database, "SELECT 1", PGHOST="127.0.0.1", PGPASSWORD=PASSWORD) == "1"
    refused = run(
        database,
        ["psql", "--no-password", "--host=127.0.0.1", "--username=keeper", "shop"],
        PGPASSWORD="other",
    )
    assert "password authentication failed" in refused.output


def test_data_survive_a_stop_which_is_quick_and_clean(database: Container) -> None:
    query(database, "INSERT INTO kept VALUES ('twice')")
    database.stop(timeout=20)
    assert exit_code(database) == 0

    database.start()
    await_true(lambda: is_healthy(database))

    assert query(database, "SELECT count(*) FROM kept") == "2"


def test_sigterm_ends_it_cleanly_too(database: Container) -> None:
    database.kill("SIGTERM")
    assert exit_code(database) == 0
    database.start()
    await_true(lambda: is_healthy(database))


@pytest.mark.parametrize("command", ["id", "/usr/lib/postgresql/15/bin/psql --version"])
def test_what_stands_for_the_shell_runs_nothing_else(database: Container, command: str) -> None:
    done = run(database, ["/bin/sh", "-c", command])

    assert done.code == 1
    assert done.output.startswith("sh: this image has no shell")


def ended(containers: Containers, **options: object) -> str:
    """Return the last words of one that should not start."""
    container = containers.start("database", tmpfs=TMP, **options)  # type: ignore[arg-type]
    assert exit_code(container) == 1
    return str(container.logs().decode())


def test_data_below_a_volume_are_opened_to_nobody_else(containers: Containers) -> None:
    below = containers.start(
        "database",
        environment={"POSTGRES_PASSWORD": PASSWORD, "PGDATA": "/tmp/data"},
        tmpfs=TMP,
    )
    await_true(lambda: is_healthy(below))


def test_without_a_password_it_says_what_to_do(containers: Containers) -> None:
    assert ended(containers).endswith(
        "error: a new database needs a password for its superuser\n"
        "  why:  neither POSTGRES_PASSWORD_FILE nor POSTGRES_PASSWORD is set, or it is empty\n"
        "  hint: mount a file with the password and name it in POSTGRES_PASSWORD_FILE\n"
    )


def test_a_script_for_a_shell_is_refused_before_anything_is_made(
    containers: Containers, tmp_path: Path
) -> None:
    (tmp_path / "1.sh").write_text("echo hello")
    readable(tmp_path / "1.sh")
    for each in (tmp_path, tmp_path.parent):
        readable(each)

    words = ended(
        containers, environment={"POSTGRES_PASSWORD": PASSWORD}, mounts={tmp_path: SCRIPTS}
    )

    assert words == (
        "error: /docker-entrypoint-initdb.d/1.sh cannot be run\n"
        "  why:  this image has no shell\n"
        "  hint: write it as SQL (.sql or .sql.gz), or use the public postgres image\n"
    )


@pytest.fixture
def volume(containers: Containers) -> Iterator[str]:
    volume = containers.engine.volumes.create(labels={"of": "img-tests"})
    yield str(volume.name)
    containers.remove()
    volume.remove(force=True)


def test_a_failed_or_killed_start_leaves_nothing_half_made(
    containers: Containers, folder: Path, tmp_path: Path, volume: str
) -> None:
    for each in (tmp_path, tmp_path.parent):
        readable(each)
    (tmp_path / "1.sql").write_text("SELECT pg_sleep(60);")
    readable(tmp_path / "1.sql")
    environment = {"POSTGRES_PASSWORD": PASSWORD, "POSTGRES_USER": "keeper", "POSTGRES_DB": "shop"}
    killed = containers.start(
        "database",
        environment=environment,
        mounts={volume: DATA, str(tmp_path): SCRIPTS},
        tmpfs=TMP,
    )
    await_true(lambda: b"running /docker" in killed.logs())
    killed.kill("SIGKILL")
    killed.wait(timeout=60)

    (tmp_path / "1.sql").chmod(0o644)
    (tmp_path / "1.sql").write_text("SELECT nonsense;")
    words = ended(
        containers, environment=environment, mounts={volume: DATA, str(tmp_path): SCRIPTS}
    )
    assert "1.sql was refused" in words

    database = containers.start(
        "database",
        environment=environment,
        mounts={volume: DATA, str(folder / "scripts"): SCRIPTS},
        tmpfs=TMP,
    )
    await_true(lambda: is_healthy(database))
    assert query(database, "SELECT word FROM kept") == "once"
