"""Builds one root file system of Debian packages: `python build.py WANTED.json OUTPUT.tar`.

Run by the rule of `debian_rootfs` in a process of its own, which needs apt and dpkg, but no root.
The same packages give the same archive to the bit: names are sorted, the time is that of `as_of`,
owners are numbers.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Iterable, Iterator, NoReturn, Sequence

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CERTIFICATES = "usr/share/ca-certificates/mozilla"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
STATUS = "var/lib/dpkg/status.d"
LICENCES = "usr/share/doc/*/copyright"
# For people at a terminal, or for tools of a whole Debian.
NEVER = (
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/doc-base",
    "usr/share/doc/*/[!c]*",
    "usr/share/doc/*/changelog*",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/menu",
    "usr/share/pixmaps",
    "usr/share/applications",
)


def fail(what: str, why: str, hint: str) -> NoReturn:
    """End with a message."""
    sys.exit(f"error: {what}\n  why:  {why}\n  hint: {hint}")


def run(argv: Sequence[str], **options: Any) -> str:
    """Return what a program prints; end with its own words when it fails."""
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    if done.returncode != 0:
        fail(
            f"{argv[0]} failed",
            "; ".join((done.stderr or done.stdout).strip().splitlines()[-3:]),
            "correct the cause named, then build again",
        )
    return str(done.stdout)


def require_programs() -> None:
    """End unless the machine can unpack Debian packages."""
    missing = [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]
    if missing:
        fail(
            "no root file system can be built on this machine",
            f"it is made from Debian packages, and there is no {' and no '.join(missing)}",
            "build the images on Debian (or in a Debian container with a Docker socket)",
        )


def sources(suite: str) -> list[str]:
    """Return the lines of the machine's own apt sources that belong to a Debian release."""
    listed = run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(CODENAME) $(COMPONENT)",
            "Created-By: Packages",
            "Origin: Debian",
        ]
    )
    of_suite = (suite, f"{suite}-updates", f"{suite}-security")
    entries = sorted({tuple(line.split()) for line in listed.splitlines()})
    lines = [
        f"deb [signed-by={KEYRING}] {entry[0]} {entry[1]} {entry[2]}"
        for entry in entries
        if entry[1] in of_suite and entry[2] == "main"
    ]
    if not lines:
        fail(
            f"no source of Debian packages for {suite}",
            f"the apt sources of this machine hold no Debian {suite}, or were never read",
            f"add {suite} to the apt sources, then `apt-get update`",
        )
    return lines


def download(packages: Sequence[str], suite: str, work: Path) -> list[Path]:
    """Fetch the packages named with a state of apt of their own; return the files by name."""
    (work / "lists/partial").mkdir(parents=True)
    (work / "archives/partial").mkdir(parents=True)
    (work / "sources.list").write_text("\n".join(sources(suite)) + "\n")
    apt = [
        "apt-get",
        "--quiet",
        f"--option=Dir::Etc::SourceList={work}/sources.list",
        "--option=Dir::Etc::SourceParts=-",
        f"--option=Dir::State::Lists={work}/lists",
        "--option=Dir::State::Status=/dev/null",
        f"--option=Dir::Cache={work}",
        # Its own user could not write here.
        "--option=APT::Sandbox::User=root",
        "--option=Acquire::Languages=none",
        "--option=Acquire::Retries=3",
    ]
    run([*apt, "--error-on=any", "update"])
    run([*apt, "download", *packages], cwd=work / "archives")
    return sorted((work / "archives").glob("*.deb"))


def unpack(archive: Path, tree: Path) -> None:
    """Unpack one package and note it where scanners look, by its hash in the archive as well."""
    run(["dpkg-deb", "--extract", str(archive), str(tree)])
    name = run(["dpkg-deb", "--field", str(archive), "Package"]).strip()
    status = tree / STATUS / name
    status.parent.mkdir(parents=True, exist_ok=True)
    fields = run(["dpkg-deb", "--field", str(archive)])
    # Spelled as in Debian's own lists of packages.
    status.write_text(f"{fields}SHA256: {hashlib.sha256(archive.read_bytes()).hexdigest()}\n")


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a path, or a folder it is in, matches; `*` stands for a part of one name."""
    parts = path.split("/")
    for pattern in patterns:
        wanted = pattern.split("/")
        if len(wanted) <= len(parts) and all(map(fnmatchcase, parts, wanted)):
            return True
    return False


def prune(tree: Path, exclude: Sequence[str], keep: Sequence[str]) -> None:
    """Delete what is not wanted, and the folders that this empties."""
    for path in sorted(tree.rglob("*"), reverse=True):
        name = path.relative_to(tree).as_posix()
        is_folder = path.is_dir() and not path.is_symlink()
        if name.startswith(STATUS):
            continue
        if is_folder:
            if not any(path.iterdir()):
                path.rmdir()
        elif matches(name, (*NEVER, *exclude)) or (keep and not matches(name, (LICENCES, *keep))):
            path.unlink()


def certificates(tree: Path) -> dict[str, str]:
    """Return the one file that programs read all certificates of the package from, if any."""
    found = sorted((tree / CERTIFICATES).glob("*.crt"))
    return {BUNDLE: "".join(path.read_text() for path in found)} if found else {}


def compile_library(tree: Path, library: str) -> None:
    """Compile a standard library with the interpreter in the tree, and with libraries of the tree.

    Unchecked: nobody edits the files of an image, and a comparison of times would cost each start.
    """
    loader = next(tree.glob("lib64/ld-linux-*"))
    folders = [str(tree / each) for each in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")]
    run(
        [
            str(loader),
            "--library-path",
            ":".join(folders),
            str(tree / "usr/bin" / Path(library).name),
            # What it imports itself is not to be compiled on the way, with other headers.
            "-B",
            "-s",
            "-m",
            "compileall",
            "-q",
            "--invalidation-mode=unchecked-hash",
            # The place it will have, which tracebacks show.
            "-s",
            str(tree),
            "-p",
            "/",
            str(tree / library),
        ],
        env={"PYTHONHOME": str(tree / "usr"), "PYTHONHASHSEED": "0"},
    )


def entries(tree: Path, directories: dict[str, str]) -> Iterator[tuple[Path, tarfile.TarInfo]]:
    """Return everything in the tree, sorted, with mode and owner as they will be."""
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        entry = tarfile.TarInfo(name)
        entry.mode = path.lstat().st_mode & 0o777  # without setuid and setgid
        if path.is_symlink():
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
        elif path.is_dir():
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        else:
            entry.size = path.stat().st_size
        if name in directories:
            mode, owner = directories[name].split()
            entry.mode = int(mode, 8)
            entry.uid, entry.gid = (int(number) for number in owner.split(":"))
        yield path, entry


def archive_tree(tree: Path, directories: dict[str, str], time_s: int, output: Path) -> None:
    """Write the archive."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as archive:
        for path, entry in entries(tree, directories):
            entry.mtime = time_s
            if entry.isreg():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)


def build(wanted: dict[str, Any], output: Path) -> None:
    """Build the archive of one target's fields."""
    require_programs()
    with tempfile.TemporaryDirectory() as place:
        work, tree = Path(place) / "apt", Path(place) / "tree"
        tree.mkdir()
        for archive in download(wanted["packages"], wanted["suite"], work):
            unpack(archive, tree)
        files = {**certificates(tree), **wanted["files"]}
        prune(tree, wanted["exclude"], wanted["keep"])
        for name, content in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(content)
            (tree / name).chmod(0o644)
        if wanted["bytecode"]:
            compile_library(tree, wanted["bytecode"])
        for name in wanted["directories"]:
            (tree / name).mkdir(parents=True, exist_ok=True)
        as_of = datetime.strptime(wanted["as_of"], "%Y-%m-%d").replace(tzinfo=timezone.utc)
        archive_tree(tree, wanted["directories"], int(as_of.timestamp()), output)


if __name__ == "__main__":
    build(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
