"""The work that a change asks for, as a value; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pipeline import meaning

PLATFORMS = ("compose", "local", "kubernetes")
# Tests of parts, and of whole systems by platform.
TESTS = ("parts", *PLATFORMS)
# The version of what `as_json` returns.
FORMAT = 1

_ALL = ("::",)


@dataclass(frozen=True)
class Stage:
    """A part of the gate that can run by itself, and what must be started for it."""

    name: str
    engine: bool = False
    cluster: bool = False


@dataclass(frozen=True)
class Selection:
    """The work, as specs of Pants: `::` stands for all that there is.

    `everything`: the reason why all of it is to be done; None where it is not. `checks`: names of
    `meaning.CHECKS`. `run`: whether the deploy tool is to be built and started once.
    `deployments`: the places whose artifacts or configuration have become others. `reasons`: a line
    for each decision, for people.
    """

    everything: str | None = None
    lint: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    run: bool = False
    packages: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    tests: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(TESTS, ()))
    engine_for_parts: bool = False
    deployments: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages that have something to do, in the order in which one machine does."""
        work = {
            Stage("checks"): bool(self.lint or self.types or self.checks or self.run),
            Stage("packages", engine=bool(self.images)): bool(
                self.run or self.packages or self.images
            ),
            Stage("parts", engine=self.engine_for_parts): bool(self.tests["parts"]),
            Stage("compose", engine=True): bool(self.tests["compose"]),
            Stage("local"): bool(self.tests["local"]),
            Stage("kubernetes", engine=True, cluster=True): bool(self.tests["kubernetes"]),
        }
        return tuple(stage for stage, wanted in work.items() if wanted)

    def as_json(self, base: str | None) -> str:
        """Return the selection as one JSON object, with the commit that it is compared to."""
        return json.dumps(
            {
                "format": FORMAT,
                "base": base,
                **asdict(self),
                "stages": [asdict(stage) for stage in self.stages()],
            }
        )


def everything(reason: str) -> Selection:
    """Return all work, because of a reason."""
    folders = tuple(f"{folder}::" for folder in meaning.PACKAGED)
    return Selection(
        everything=reason,
        lint=_ALL,
        types=_ALL,
        checks=tuple(meaning.CHECKS),
        run=True,
        packages=folders,
        images=folders,
        tests=dict.fromkeys(TESTS, _ALL),
        engine_for_parts=True,
        deployments=PLATFORMS,
        reasons=(f"everything: {reason}",),
    )
