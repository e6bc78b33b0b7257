"""Tags of every `docker_image`: the hash of its content, and `local` for people.

Pants' own `{pants.hash}` depends on the ids of the images below, in which an engine puts the moment
of their making: the same content has another name on every machine. This one is made of what goes
into the image and, in the same way, into those below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.backend.docker.target_types import (
    DockerImageSourceField,
    DockerImageTags,
    DockerImageTagsRequest,
)
from pants.backend.docker.util_rules.docker_build_context import (
    DockerBuildContext,
    DockerBuildContextRequest,
)
from pants.engine.addresses import Address
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest
from pants.engine.unions import UnionRule
from pants.util.strutil import stable_hash

# What a Compose file without deploytool can name.
LATEST_HERE = "local"


@dataclass(frozen=True)
class ContentTagRequest:
    """Asks for the tag that stands for the content of an image."""

    address: Address


@dataclass(frozen=True)
class ContentTag:
    """SHA-256 in hexadecimal digits. Labels are no part of it."""

    value: str


class TagsRequest(DockerImageTagsRequest):
    """Asks for all tags of an image."""


@rule
async def find_content_tag(request: ContentTagRequest) -> ContentTag:
    """Build what goes into the image, but no image."""
    context, targets = await MultiGet(
        Get(DockerBuildContext, DockerBuildContextRequest(request.address)),
        Get(TransitiveTargets, TransitiveTargetsRequest([request.address])),
    )
    below = await MultiGet(
        Get(ContentTag, ContentTagRequest(target.address))
        for target in targets.dependencies
        if target.has_field(DockerImageSourceField)
    )
    own = context.interpolation_context["pants"]["hash"]
    return ContentTag(stable_hash((own, sorted(tag.value for tag in below))))


@rule
async def find_tags(request: TagsRequest) -> DockerImageTags:
    """Return the content's tag first: by the first one Pants refers to an image from others."""
    content = await Get(ContentTag, ContentTagRequest(request.target.address))
    return DockerImageTags([content.value, LATEST_HERE])


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union members they serve."""
    return [*collect_rules(), UnionRule(DockerImageTagsRequest, TagsRequest)]
