"""The programs of the machine that PyInstaller starts, and nothing else of its PATH."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.util_rules.system_binaries import (
    BinaryPathRequest,
    BinaryPaths,
    BinaryPathTest,
    BinaryShims,
    BinaryShimsRequest,
)
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.unions import UnionRule

# The Debian package of each.
PROGRAMS = {"ldd": "libc-bin", "objcopy": "binutils", "objdump": "binutils", "strip": "binutils"}


class ProgramsMissingError(Exception):
    """PyInstaller cannot work on this machine."""


@dataclass(frozen=True)
class BuildProgramsRequest:
    """Asks for the programs."""


@dataclass(frozen=True)
class BuildPrograms:
    """The programs in a folder of their own; `versions` changes when one is upgraded."""

    shims: BinaryShims
    versions: str


@rule
async def find_programs(_: BuildProgramsRequest) -> BuildPrograms:
    """Find the programs on PATH; raises ProgramsMissingError."""
    variables = await Get(EnvironmentVars, EnvironmentVarsRequest(["PATH"]))
    folders = [folder for folder in variables.get("PATH", "").split(":") if folder]
    found = await MultiGet(
        Get(
            BinaryPaths,
            BinaryPathRequest(
                binary_name=name, search_path=folders, test=BinaryPathTest(["--version"])
            ),
        )
        for name in PROGRAMS
    )
    missing = [paths.binary_name for paths in found if paths.first_path is None]
    if missing:
        raise ProgramsMissingError(_complaint(missing))
    first = [paths.first_path for paths in found if paths.first_path]
    shims = await Get(
        BinaryShims, BinaryShimsRequest.for_paths(*first, rationale="run PyInstaller")
    )
    return BuildPrograms(shims, " ".join(path.fingerprint for path in first))


def _complaint(missing: list[str]) -> str:
    packages = sorted({PROGRAMS[name] for name in missing})
    return (
        f"a pyinstaller_binary cannot be packaged: PATH has no {' and no '.join(missing)}. "
        "PyInstaller finds the libraries of an application, puts them into the binary and strips "
        f"them with the programs of {' and '.join(packages)}. On Debian or Ubuntu: "
        f"apt-get install {' '.join(packages)}"
    )


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module."""
    return collect_rules()
