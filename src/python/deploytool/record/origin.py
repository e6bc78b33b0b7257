"""Where a record comes from: who ran which deploytool on which machine and source, in which run."""

import configparser
import getpass
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# A login that stands in an address is nobody's business, and the port of ssh none of a browser's.
_LOGIN = r"(?:[^@/]*@)?"
_REMOTE = re.compile(
    rf"(?:https?://{_LOGIN}(?P<web>[^@/]+)/"
    rf"|ssh://{_LOGIN}(?P<ssh>[^@/:]+)(?::\d+)?/"
    rf"|{_LOGIN}(?P<scp>[^@/:]+):(?!//)/?)"
    r"(?P<path>.+?)(?:\.git)?/?"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What every line of a run's record has in common.

    git_sha: of the repository's HEAD, "" when there is none. target: its name, "" for commands
    that need none.
    """

    run: str
    user: str
    host: str
    tool_version: str
    git_sha: str
    target: str
    command: str


def origin_of(root: Path, *, tool_version: str, target: str, command: str) -> Origin:
    """Return the origin of a run that starts now in the repository at root."""
    return Origin(
        run=new_run(datetime.now(UTC)),
        user=user_name(),
        host=socket.gethostname(),
        tool_version=tool_version,
        git_sha=git_sha(root),
        target=target,
        command=command,
    )


def source_of(root: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the address of the sources' repository and their commit, "" where it is not known.

    As the labels of the images say it, IMAGE_SOURCE and IMAGE_REVISION; else as git knows it.
    """
    repository = environment.get("IMAGE_SOURCE") or _remote(root)
    return repository, environment.get("IMAGE_REVISION") or git_sha(root)


def new_run(now: datetime) -> str:
    """Return a run id that sorts by its second, for example 20261124T075500-3f2a. now: UTC."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def user_name() -> str:
    """Return who runs this process: the login name, or the number of a user without one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def git_sha(root: Path) -> str:
    """Return the commit that is checked out at root, "" when it cannot be told.

    Reads the files itself: git may be missing, and refuses repositories of other users.
    """
    try:
        git, shared = _git_folders(root)
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        return _commit_of(shared, head.removeprefix("ref: "))
    except (OSError, UnicodeDecodeError):
        return ""


def _git_folders(root: Path) -> tuple[Path, Path]:
    """Return git's folder of this worktree, and the one that all worktrees share."""
    git = root / ".git"
    if git.is_file():  # a worktree: the file names the folder
        git = root / git.read_text().removeprefix("gitdir:").strip()
    link = git / "commondir"
    return git, git / link.read_text().strip() if link.exists() else git


def _remote(root: Path) -> str:
    """Return the address of the repository that this one was cloned from, as a browser knows it.

    "" where it was cloned from a folder: nobody else would know which one that is.
    """
    config = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        config.read_string((_git_folders(root)[1] / "config").read_text())
        url = config['remote "origin"']["url"]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        return ""
    found = _REMOTE.fullmatch(url)
    if found is None:
        return ""
    return f"https://{found['web'] or found['ssh'] or found['scp']}/{found['path']}"


def _commit_of(git: Path, reference: str) -> str:
    if (git / reference).is_file():
        return (git / reference).read_text().strip()
    for line in (git / "packed-refs").read_text().splitlines():
        commit, _, name = line.partition(" ")
        if name == reference:
            return commit
    return ""
