"""`.ci/report BASE`: what a change comes to, for those who review it.

Written to dist/report/report.md, and into the summary of the job. Needs a Docker engine when images
are to be compared, and no cluster. PULL_REQUEST is the number of that which the report is about, if
any. Exits 1 when a part cannot be told; the report says why.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploytool.errors import DeployError
from deploytool.system.declaration import read_system
from pipeline.repository import Unknown, changed_since
from pipeline.review import images, manifests, migrations, selected
from pipeline.review.comment import PULL_REQUEST
from pipeline.summary import plain, shortened, show

_PLACE = Path("dist/report/report.md")
# Of a comment: bytes. GitHub takes 65,536 characters.
_MOST = 60_000
_KUBECTL = "src/python/deploytool/platforms/kubernetes:runtime"
_SYFT = "3rdparty/python:syft"


@dataclass(frozen=True)
class Change:
    """A commit and where it comes from. root, before: work trees of both."""

    base: str
    root: Path
    before: Path
    selection: Mapping[str, Any]
    reasons: Sequence[str]


def main() -> int:
    """Do it for the arguments of the command line; return the exit code."""
    root = Path.cwd()
    try:
        return _report(root, *_select(root, sys.argv[1]))
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"error: there is no report: {_words(error)}\n")
        return 1


def _report(root: Path, selection: Mapping[str, Any], reasons: Sequence[str]) -> int:
    # What is selected without a base is everything; then there is nothing to compare to either.
    if selection["base"] is None:
        _write(root, f"## What this change comes to\n\n{selected.told(selection, reasons)}\n")
        return 0
    with _work_tree(root, selection["base"]) as before:
        change = Change(selection["base"], root, before, selection, reasons)
        parts = [_part(title, tell, change) for title, tell in _PARTS.items()]
    text = "\n\n".join(("## What this change comes to", *(text for text, _ in parts)))
    _write(root, f"{text}\n")
    return 0 if all(is_told for _, is_told in parts) else 1


def _part(title: str, tell: Callable[[Change], str], change: Change) -> tuple[str, bool]:
    """Return a part of the report, and whether it could be told."""
    try:
        return f"### {title}\n\n{tell(change)}", True
    except DeployError as error:
        why = f"{error.what}: {error.why}"
    except Unknown as unknown:
        why = str(unknown)
    except subprocess.CalledProcessError as error:
        why = _words(error)
    sys.stderr.write(f"error: {title}: {why}\n")
    return f"### {title}\n\n❌ This cannot be told: {plain(why)}", False


def _words(error: subprocess.CalledProcessError) -> str:
    said = (error.stderr or "").strip().splitlines()[-1:] or [f"exit code {error.returncode}"]
    return f"{Path(error.cmd[0]).name}: {said[0]}"


def _selected(change: Change) -> str:
    return selected.told(change.selection, change.reasons)


def _manifests(change: Change) -> str:
    _pants(change.root, "package", _KUBECTL)
    package = _packaged(change.root, _KUBECTL)
    with tempfile.TemporaryDirectory() as place:
        before, after = (
            manifests.rendered(tree / "deploy", package, Path(place))
            for tree in (change.before, change.root)
        )
    return manifests.told(before, after)


def _images(change: Change) -> str:
    if not change.selection["images"]:
        return images.told({}, {})
    before, after = (_built(tree) for tree in (change.before, change.root))
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    _pants(change.root, "package", _SYFT)
    syft = _packaged(change.root, _SYFT)
    with tempfile.TemporaryDirectory() as place:
        read = [
            {
                name: images.read_image(tagged, syft, Path(place))
                for name, tagged in sorted(names.items())
                if name in differing
            }
            for names in (before, after)
        ]
    return images.told(*read)


def _migrations(change: Change) -> str:
    _, database = read_system(change.root / "deploy" / "system.yaml").database
    folder = f"deploy/{database.migrations}"
    changed = changed_since(change.root, change.base)
    return migrations.told(migrations.migrations_among(changed, folder))


_PARTS = {
    "Selected": _selected,
    "Manifests": _manifests,
    "Images": _images,
    "Migrations": _migrations,
}


def _built(tree: Path) -> dict[str, str]:
    """Build all images of a work tree; return them by name."""
    images.forget_built(tree / "dist")
    _pants(tree, "--filter-target-type=docker_image", "package", "::")
    return images.built(tree / "dist")


def _select(root: Path, base: str) -> tuple[Mapping[str, Any], Sequence[str]]:
    done = subprocess.run(
        [root / ".ci" / "select", base], cwd=root, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout), done.stderr.splitlines()


@contextmanager
def _work_tree(root: Path, commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "base"
        _git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout


def _pants(tree: Path, *arguments: str) -> None:
    # No daemon would outlive the work tree of the base.
    subprocess.run(
        ["./pants", "--no-pantsd", *arguments],
        cwd=tree,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _packaged(root: Path, address: str) -> Path:
    folder, _, name = address.partition(":")
    return root / "dist" / folder.replace("/", ".") / f"{name}.pex"


def _write(root: Path, text: str) -> None:
    place = root / _PLACE
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(shortened(text, _MOST), encoding="utf-8")
    place.with_name(PULL_REQUEST).write_text(os.environ.get("PULL_REQUEST", ""), encoding="utf-8")
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        show(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    sys.exit(main())
