"""What git and Pants say of this repository."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.graph import Graph

# BUILD files ask for these: without them the graph lacks what tests need an engine or a cluster
# for. What is selected must be the same wherever it is.
_COMPLETE = {"DOCKER_ENGINE": "1", "CLUSTER_FOR_TESTS": "1"}
# An import of what is gone is for the gate to refuse; here it only depends on nothing.
_PEEK = ("--no-dynamic-ui", "--python-infer-unowned-dependency-behavior=warning", "peek", "::")


class Unknown(Exception):
    """What has changed cannot be told; the words say why."""


def base_of(root: Path, reference: str) -> str:
    """Return the commit at which HEAD left the history of a reference; raises Unknown."""
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    if found.returncode:
        raise Unknown(f"{reference} is no commit that this repository has")
    base = _git(root, "merge-base", found.stdout.strip(), "HEAD")
    if base.returncode:
        raise Unknown(f"{reference} and HEAD have no common ancestor here (a shallow clone?)")
    return base.stdout.strip()


def changed_since(root: Path, base: str) -> Mapping[str, str]:
    """Return the paths that are not as at the commit, each with its status: A, M, D or T.

    What is not committed counts, too. A renamed file is one that is gone and one that is new.
    Raises Unknown.
    """
    named = _git(root, "diff", "--name-status", "--no-renames", "-z", base)
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    if named.returncode or new.returncode:
        raise Unknown(f"git does not say what has changed: {(named.stderr + new.stderr).strip()}")
    words = named.stdout.split("\0")[:-1]
    changed = dict(zip(words[1::2], words[::2], strict=True))
    return changed | dict.fromkeys(new.stdout.split("\0")[:-1], "A")


def graph_of(root: Path, **variables: str) -> Graph:
    """Return the targets in a folder; raises Unknown with the words of Pants."""
    # Of what Python is told to import Pants' daemon watches each file: an edit would end it.
    inherited = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [root / "pants", *_PEEK],
        cwd=root,
        env={**inherited, **_COMPLETE, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if "Error" in line]
        words = said[0] if said else (done.stderr.strip() or "no word").splitlines()[-1]
        raise Unknown(f"Pants does not say what depends on what: {words}")
    return Graph.read(done.stdout)


def graph_at(root: Path, commit: str) -> Graph:
    """Return the targets as they were at a commit, by a work tree of its own; raises Unknown."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "base"
        made = _git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        if made.returncode:
            raise Unknown(f"git makes no work tree of {commit}: {made.stderr.strip()}")
        try:
            # A daemon would outlive the folder, which is of use once.
            return graph_of(tree, PANTS_PANTSD="false")
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )
