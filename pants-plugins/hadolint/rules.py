"""Runs hadolint over the Dockerfiles of images, those written as `instructions` included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable

from pants.backend.docker.subsystems.dockerfile_parser import DockerfileInfo, DockerfileInfoRequest
from pants.backend.docker.target_types import DockerImageSourceField
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.pex import VenvPex, VenvPexProcess
from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.partitions import PartitionerType
from pants.engine.fs import Digest, MergeDigests
from pants.engine.process import FallibleProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import FieldSet
from pants.engine.unions import UnionRule
from pants.util.strutil import pluralize

from hadolint.subsystem import Hadolint


@dataclass(frozen=True)
class HadolintFieldSet(FieldSet):
    """What hadolint needs of an image."""

    required_fields = (DockerImageSourceField,)

    source: DockerImageSourceField


class HadolintLint(LintTargetsRequest):
    """`hadolint`."""

    field_set_type = HadolintFieldSet
    tool_subsystem = Hadolint
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION


@rule(desc="Lint with hadolint")
async def lint(
    request: HadolintLint.Batch[HadolintFieldSet, Any], hadolint: Hadolint
) -> LintResult:
    """Report what hadolint finds."""
    tool, *dockerfiles = await MultiGet(
        Get(VenvPex, pex.PexRequest, hadolint.pex_request()),
        *(
            Get(DockerfileInfo, DockerfileInfoRequest(field_set.address))
            for field_set in request.elements
        ),
    )
    digest = await Get(Digest, MergeDigests(dockerfile.digest for dockerfile in dockerfiles))
    result = await Get(
        FallibleProcessResult,
        VenvPexProcess(
            tool,
            argv=(*hadolint.args, *(dockerfile.source for dockerfile in dockerfiles)),
            input_digest=digest,
            # It would read the user's configuration, and dies where HOME is not set.
            extra_env={"HOME": ""},
            description=f"hadolint on {pluralize(len(dockerfiles), 'Dockerfile')}",
        ),
    )
    return LintResult.create(request, result, strip_chroot_path=True)


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [*collect_rules(), *HadolintLint.rules(), *pex.rules()]
