"""The declaration of the system, as it was in the commit of a release.

A release that was made before the check-out is deployed with the declarations and manifests that
it was tested with. The targets and the keys that proof is checked by stay those of the check-out:
what is demanded of a release, the release does not say.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.delivery.errors import StepFailed

_FILES = ("--", "deploy", ":!deploy/targets.yaml", ":!deploy/keys")


@contextmanager
def laid_out(commit: str) -> Iterator[None]:
    """Have the folder `deploy` as in a commit of this branch meanwhile; raises StepFailed.

    What is no commit is left to deploytool, which refuses such a release.
    """
    if not re.fullmatch("[0-9a-f]{40}", commit) or _is_as_checked_out(commit):
        yield
        return
    if _git("status", "--porcelain", *_FILES).stdout:
        raise StepFailed(
            f"deploy/ cannot be laid out as in commit {commit[:12]} of the release",
            why="it has changes that are not committed, which would be lost",
            hint="commit them, or put them away by `git stash --include-untracked`",
            exit_code=2,
        )
    sys.stderr.write(f"note: deploy/ is that of commit {commit[:12]}, but for targets and keys\n")
    try:
        _lay_out(commit)
        yield
    finally:
        _lay_out("HEAD")


def _is_as_checked_out(commit: str) -> bool:
    """Return whether the commit declares what HEAD does; raises StepFailed unless HEAD has it."""
    if _git("rev-parse", "HEAD").stdout.strip() == commit:
        return True
    # No commit that nobody has reviewed, nor one that a shallow clone lacks.
    if _git("merge-base", "--is-ancestor", commit, "HEAD").returncode:
        raise StepFailed(
            f"commit {commit[:12]} of the release is not in the history of this check-out",
            why="what it declares of the system would be deployed, and is not known here",
            hint="check out its branch, with all of its history",
            exit_code=2,
        )
    return _git("diff", "--quiet", commit, "HEAD", *_FILES).returncode == 0


def _lay_out(commit: str) -> None:
    # In the index, too, so that files that only one of both commits has are removed again.
    done = _git("restore", f"--source={commit}", "--staged", "--worktree", *_FILES)
    if done.returncode:
        raise StepFailed(
            f"deploy/ is not laid out as in {commit[:12]}",
            why=done.stderr.strip(),
            hint="see `git status deploy`; `git restore --staged --worktree deploy` undoes all",
        )


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
