"""How much of the gate past commits would have asked for, and whether that was enough.

    python3.11 -m benchmarks.selection [COMMITS [SAFE [BUILT]]]

It compares each of the last COMMITS (230) with its first parent, and prints the mean share of test
files and the share of commits that run all tests of whole systems. For the newest SAFE (40) no
package and no test that was left out may have another fingerprint than in the parent: that is all
that Pants knows of it and of what it depends on. For the newest BUILT (0) that change a package,
packages that were left out are built on both sides and must be the same files. Commits from before
a target was tagged are read with its tags of today. The program works in a work tree of its own,
and fails when something that was left out is another.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src/python"))

from pipeline import meaning  # noqa: E402
from pipeline.changes import decisive, needs_base  # noqa: E402
from pipeline.deciding import CORE, select  # noqa: E402
from pipeline.graph import Graph  # noqa: E402
from pipeline.homeless import END_TO_END  # noqa: E402
from pipeline.repository import Unknown, graph_of  # noqa: E402
from pipeline.selection import Selection, everything  # noqa: E402


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", folder, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


class History:
    """The commits of this repository, read in one work tree by one daemon of Pants."""

    def __init__(self, tree: Path, today: Graph) -> None:
        self.tree, self.today = tree, today
        self._graph = lru_cache(maxsize=4)(self._read)

    def graph(self, commit: str) -> Graph:
        """Return the targets at a commit; raises Unknown."""
        return self._graph(git(self.tree, "rev-parse", commit).strip())

    def _read(self, commit: str) -> Graph:
        self.check_out(commit)
        found = graph_of(self.tree).targets
        return Graph(
            {
                address: replace(target, tags=target.tags | self._tags(address))
                for address, target in found.items()
            }
        )

    def _tags(self, address: str) -> frozenset[str]:
        target = self.today.targets.get(address)
        return target.tags if target else frozenset()

    def check_out(self, commit: str) -> None:
        git(self.tree, "checkout", "--quiet", "--force", "--detach", commit)

    def selected(self, commit: str) -> Selection:
        words = git(
            self.tree, "diff", "--name-status", "--no-renames", "-z", f"{commit}^", commit
        ).split("\0")[:-1]
        changed = dict(zip(words[1::2], words[::2], strict=True))
        reason = decisive(changed)
        if reason:
            return everything(reason)
        try:
            before = self.graph(f"{commit}^") if needs_base(changed) else None
            return select(changed, self.graph(commit), before)
        except Unknown as unknown:
            return everything(str(unknown))


def shares(selection: Selection, graph: Graph) -> tuple[float, bool]:
    """Return the share of test files, and whether all tests of whole systems run.

    Those that run nothing of this repository, but try the cluster itself, are none.
    """
    tests = graph.of_kinds("python_test")
    packages = {each.address for each in graph.of_kinds(*meaning.PACKAGES)}
    whole = {
        test.address for test in tests if END_TO_END in test.tags and test.dependencies & packages
    }
    chosen = {each for stage in selection.tests.values() for each in stage}
    if selection.everything:
        return 1.0, True
    return len(chosen) / len(tests), bool(whole) and whole <= chosen


def fingerprints(graph: Graph) -> Mapping[str, str]:
    """Return by address a hash of a target and of all that it depends on."""
    graph = graph.with_dependencies(meaning.dependencies_unseen(graph))
    own = {
        address: json.dumps(target.fields, sort_keys=True)
        for address, target in graph.targets.items()
    }
    found = {}
    for target in graph.of_kinds("python_test", *meaning.PACKAGES):
        closure, waiting = {target.address}, [target.address]
        while waiting:
            for dependency in graph.targets[waiting.pop()].dependencies & own.keys():
                if dependency not in closure:
                    closure.add(dependency)
                    waiting.append(dependency)
        text = "".join(own[address] for address in sorted(closure))
        found[target.address] = hashlib.sha256(text.encode()).hexdigest()
    return found


def missed(selection: Selection, before: Graph, now: Graph) -> list[str]:
    """Return what was left out though it has become another."""
    if selection.everything:
        return []
    old, new = fingerprints(before), fingerprints(now)
    chosen = {*selection.packages, *selection.images}.union(*selection.tests.values())
    return [
        address
        for address in new
        if old.get(address) != new[address] and address not in chosen
        if now.targets[address].kind == "python_test"
        or now.targets[address].folder.startswith(meaning.PACKAGED)
        # Left out on purpose: the core is run in their place.
        if END_TO_END not in now.targets[address].tags or CORE in now.targets[address].tags
    ]


def built(history: History, commit: str, addresses: list[str]) -> dict[str, str]:
    """Package and return the hash of each file below dist/."""
    history.check_out(commit)
    subprocess.run(["rm", "-rf", history.tree / "dist"], check=True)
    command = [str(history.tree / "pants"), "--no-dynamic-ui", "package", *addresses]
    subprocess.run(command, cwd=history.tree, check=True, capture_output=True)
    return {
        str(file.relative_to(history.tree)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((history.tree / "dist").rglob("*"))
        if file.is_file()
    }


def built_otherwise(history: History, commit: str, selection: Selection) -> list[str]:
    """Return the files of packages that were left out and are others nevertheless."""
    sides = [
        {
            each.address
            for each in history.graph(state).of_kinds("pex_binary", "pyinstaller_binary")
            if each.folder.startswith("src/python")
        }
        for state in (f"{commit}^", commit)
    ]
    left_out = sorted((sides[0] & sides[1]) - {*selection.packages})
    before, now = (built(history, state, left_out) for state in (f"{commit}^", commit))
    return [file for file in now if before.get(file) != now[file]]


def measure(history: History, commits: list[str], safe: int, to_build: int) -> int:
    counted: list[tuple[float, bool]] = []
    faults = checked = 0
    for number, commit in enumerate(commits):
        selection = history.selected(commit)
        if selection.everything:
            counted.append((1.0, True))
        else:
            counted.append(shares(selection, history.graph(commit)))
        found: list[str] = []
        if number < safe and not selection.everything:
            found = missed(selection, history.graph(f"{commit}^"), history.graph(commit))
            checked += 1
        if to_build and not selection.everything and selection.packages:
            found += built_otherwise(history, commit, selection)
            to_build -= 1
        faults += len(found)
        share, whole = counted[-1]
        print(
            f"{commit[:9]} {share:.2f} {'whole' if whole else '     '}",
            selection.everything or "", *found, flush=True,
        )  # fmt: skip
    print(
        f"{len(counted)} commits: mean share of test files"
        f" {sum(share for share, _ in counted) / len(counted):.2f};"
        f" {sum(whole for _, whole in counted) / len(counted):.0%} run all tests of whole systems"
    )
    print(f"{checked} of the newest {safe} left something out: {faults} of that had become others")
    return min(faults, 1)


def main(commits: int = 230, safe: int = 40, to_build: int = 0) -> int:
    listed = git(ROOT, "rev-list", "--min-parents=1", f"--max-count={commits}", "HEAD").split()
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        git(ROOT, "worktree", "add", "--quiet", "--detach", str(tree))
        try:
            return measure(History(tree, graph_of(ROOT)), listed, safe, to_build)
        finally:
            for pid in tree.glob(".pids/*/pantsd/pid"):
                subprocess.run(["kill", pid.read_text()], check=False)
            git(ROOT, "worktree", "remove", "--force", str(tree))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
