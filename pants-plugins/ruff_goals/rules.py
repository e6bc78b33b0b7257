"""Runs `ruff check` and `ruff format` over the sources that Pants hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from pants.backend.python.lint.ruff.subsystem import Ruff, RuffFieldSet
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.pex import PexRequest, VenvPex, VenvPexProcess
from pants.core.goals.fix import FixResult, FixTargetsRequest
from pants.core.goals.fmt import FmtResult, FmtTargetsRequest
from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.config_files import ConfigFiles, ConfigFilesRequest
from pants.core.util_rules.partitions import PartitionerType
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.fs import Digest, MergeDigests, Snapshot
from pants.engine.process import FallibleProcessResult, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.meta import classproperty
from pants.util.strutil import pluralize


class RuffLint(LintTargetsRequest):
    """`ruff check`, which says what is wrong."""

    field_set_type = RuffFieldSet
    tool_subsystem = Ruff
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION


class RuffFix(FixTargetsRequest):
    """`ruff check --fix`."""

    field_set_type = RuffFieldSet
    tool_subsystem = Ruff
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION

    @classproperty
    def tool_name(cls) -> str:  # noqa: N805
        """Name shown beside the result."""
        return "ruff check --fix"


class RuffFormat(FmtTargetsRequest):
    """`ruff format`."""

    field_set_type = RuffFieldSet
    tool_subsystem = Ruff
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION

    @classproperty
    def tool_name(cls) -> str:  # noqa: N805
        """Name shown beside the result."""
        return "ruff format"


@dataclass(frozen=True)
class RuffRun:
    """Asks for one process: `ruff COMMAND... FILES...`."""

    command: tuple[str, ...]
    snapshot: Snapshot


@dataclass(frozen=True)
class RuffProcess:
    """The process itself; whoever runs it decides whether its failure is one."""

    process: VenvPexProcess


@rule
async def describe_process(request: RuffRun, ruff: Ruff) -> RuffProcess:
    """Put tool, configuration and files together."""
    tool, config = await MultiGet(
        Get(VenvPex, PexRequest, ruff.to_pex_request()),
        Get(ConfigFiles, ConfigFilesRequest, ruff.config_request(request.snapshot.dirs)),
    )
    digest = await Get(Digest, MergeDigests((request.snapshot.digest, config.snapshot.digest)))
    command = " ".join(request.command)
    return RuffProcess(
        VenvPexProcess(
            tool,
            argv=(*request.command, "--no-cache", *ruff.args, *request.snapshot.files),
            input_digest=digest,
            output_files=request.snapshot.files,
            description=f"ruff {command} on {pluralize(len(request.snapshot.files), 'file')}",
        )
    )


@rule(desc="Lint with ruff")
async def lint(request: RuffLint.Batch[RuffFieldSet, Any]) -> LintResult:
    """Report what `ruff check` finds."""
    sources = await Get(
        SourceFiles, SourceFilesRequest(field_set.source for field_set in request.elements)
    )
    ruff = await Get(RuffProcess, RuffRun(("check",), sources.snapshot))
    result = await Get(FallibleProcessResult, VenvPexProcess, ruff.process)
    return LintResult.create(request, result, strip_chroot_path=True)


@rule(desc="Fix with ruff")
async def fix(request: RuffFix.Batch) -> FixResult:
    """Repair what ruff can; what is left over is for `lint` to report."""
    ruff = await Get(RuffProcess, RuffRun(("check", "--fix"), request.snapshot))
    result = await Get(FallibleProcessResult, VenvPexProcess, ruff.process)
    return await FixResult.create(request, result, strip_chroot_path=True)


@rule(desc="Format with ruff")
async def fmt(request: RuffFormat.Batch) -> FmtResult:
    """Lay the code out."""
    ruff = await Get(RuffProcess, RuffRun(("format",), request.snapshot))
    result = await Get(ProcessResult, VenvPexProcess, ruff.process)
    return await FmtResult.create(request, result, strip_chroot_path=True)


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [
        *collect_rules(),
        *RuffLint.rules(),
        *RuffFix.rules(),
        *RuffFormat.rules(),
        *pex.rules(),
    ]
