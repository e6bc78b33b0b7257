"""The difference of the manifests that each target on Kubernetes renders."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploytool.platforms.kubernetes.kubectl import Kubectl
from deploytool.system.targets import KubernetesTarget, read_targets

Rendered = Mapping[str, str]


def rendered(deploy: Path, kubectl: Path, pex_root: Path) -> Rendered:
    """Return what each target on Kubernetes renders. Raises DeployError.

    deploy: the folder of targets.yaml. kubectl: the package that holds it.
    """
    targets = read_targets(deploy / "targets.yaml")
    found = {}
    for name, target in targets.items():
        if isinstance(target, KubernetesTarget):
            program = Kubectl(kubectl, pex_root, target.context, target.namespace)
            found[name] = program.render(deploy / target.manifests)
    return found


def told(before: Rendered, after: Rendered) -> str:
    """Return the differences by target, as Markdown."""
    parts = [_of_target(name, before, after) for name in sorted({*before, *after})]
    return "\n\n".join(parts) or "No target runs on Kubernetes."


def _of_target(name: str, before: Rendered, after: Rendered) -> str:
    if name not in before:
        return f"**{name}**: a new target, of {len(after[name].splitlines())} lines."
    if name not in after:
        return f"**{name}**: not a target any more."
    lines = list(difference(before[name], after[name]))
    if not lines:
        return f"**{name}**: the same."
    added, removed = _count(lines, "+"), _count(lines, "-")
    return fold(f"{name}: {added} lines more, {removed} lines less", "diff", lines)


def difference(before: str, after: str) -> Iterable[str]:
    """Yield the lines of a unified difference, without the names of files."""
    compared = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return list(compared)[2:]


def fold(title: str, kind: str, lines: Iterable[str]) -> str:
    """Return a block of code that opens by its title; no line of it ends the block."""
    fence = "`" * 8
    kept = [re.sub("`{8,}", "`" * 7, line) for line in lines]
    block = "\n".join((f"{fence}{kind}", *kept, fence))
    return f"<details><summary>{title}</summary>\n\n{block}\n\n</details>"


def _count(lines: Iterable[str], sign: str) -> int:
    return sum(line.startswith(sign) for line in lines)
