"""The checked-out sources of a build, as git knows them: what a proof may say of them."""

import hashlib
from pathlib import Path

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.proofs.program import run_program

_LIMIT_S = 120.0
_TOLD = 3


def require_commit(root: Path, commit: str) -> None:
    """Raise InvalidInput unless what is checked out at root is this commit and nothing else.

    A proof names one commit: what was built from anything else does not come from it.
    """
    found = _git(root, "rev-parse", "HEAD").strip()
    if found != commit:
        raise InvalidInput(
            f"what is checked out is not commit {commit}",
            why=f"it is {found}",
            hint="check out that commit, or correct IMAGE_REVISION",
        )
    changed = _git(root, "status", "--porcelain", "--untracked-files=all").splitlines()
    if changed:
        more = f" and {len(changed) - _TOLD} more" if len(changed) > _TOLD else ""
        raise InvalidInput(
            f"what is checked out is not commit {commit} alone",
            why=f"git status: {', '.join(changed[:_TOLD])}{more}",
            hint="commit or take away what differs, then build and push again",
        )


def locks(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every lock file, *.lock, in the repository: path -> hex."""
    paths = [path for path in _git(root, "ls-files", "-z", "--", "*.lock").split("\0") if path]
    return {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in sorted(paths)}


def _git(root: Path, *arguments: str) -> str:
    done = run_program(
        ("git", *arguments),
        purpose="tells what was built from",
        hint="install git, then repeat the command",
        timeout_s=_LIMIT_S,
        cwd=root,
    )
    if done.returncode != 0:
        raise PlatformFailed(
            f"git does not tell what is checked out at {root}",
            why=" ".join(done.stderr.split()),
            hint="push what is to be proved from a clone of the repository",
        )
    return done.stdout
