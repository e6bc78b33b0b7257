"""Which images the engine has already: to ask it is far quicker than to let it build them again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Iterable

from pants.backend.docker.goals.package_image import (
    BuiltDockerImage,
    DockerInfoV1,
    DockerPackageFieldSet,
    ImageRefRegistry,
)
from pants.backend.docker.subsystems.docker_options import DockerOptions
from pants.backend.docker.target_types import DockerImageTags
from pants.backend.docker.util_rules.docker_binary import DockerBinary
from pants.backend.docker.util_rules.docker_build_context import (
    DockerBuildContext,
    DockerBuildContextRequest,
)
from pants.core.goals.package import BuiltPackage
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.engine.process import FallibleProcessResult, Process, ProcessCacheScope
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import WrappedTarget, WrappedTargetRequest
from pants.engine.unions import UnionRule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from docker_images.tags import TagsRequest

INSPECT = ("image", "inspect", "--format={{.Id}} {{json .RepoTags}}")


@dataclass(frozen=True)
class PresentImagesRequest:
    """Asks which of these images need not be built."""

    field_sets: tuple[DockerPackageFieldSet, ...]


@dataclass(frozen=True)
class PresentImages:
    """Those of which the engine has all tags, as the same as if they had been built."""

    packages: FrozenDict[DockerPackageFieldSet, BuiltPackage]


@dataclass(frozen=True)
class ImageNamesRequest:
    """Asks for the names of an image."""

    field_set: DockerPackageFieldSet


@dataclass(frozen=True)
class ImageNames:
    """Registries with the names that the image has, or would have, in each.

    `environment`: the variables that it is built with; they choose the engine as well.
    """

    registries: tuple[ImageRefRegistry, ...]
    environment: FrozenDict[str, str]

    def all(self) -> tuple[str, ...]:
        """Return every name with its tag."""
        return tuple(tag.full_name for registry in self.registries for tag in registry.tags)


@rule
async def name_image(request: ImageNamesRequest, options: DockerOptions) -> ImageNames:
    """Name an image as packaging it would."""
    field_set = request.field_set
    context, target = await MultiGet(
        Get(DockerBuildContext, DockerBuildContextRequest(field_set.address)),
        Get(WrappedTarget, WrappedTargetRequest(field_set.address, "an image to be deployed")),
    )
    tags = await Get(DockerImageTags, TagsRequest(target.target))
    references = field_set.image_refs(
        default_repository=options.default_repository,
        registries=options.registries(),
        interpolation_context=context.interpolation_context,
        additional_tags=tuple(tags),
    )
    return ImageNames(tuple(references), FrozenDict(context.build_env.environment))


@rule(desc="Ask the Docker engine which images it has")
async def find_present_images(request: PresentImagesRequest, docker: DockerBinary) -> PresentImages:
    """Ask once for all; an engine that does not answer has none, and building says why."""
    named = await MultiGet(
        Get(ImageNames, ImageNamesRequest(field_set)) for field_set in request.field_sets
    )
    answer = await Get(
        FallibleProcessResult,
        Process(
            (docker.path, *INSPECT, *sorted({name for names in named for name in names.all()})),
            description="Ask the Docker engine which images it has",
            env={key: value for names in named for key, value in names.environment.items()},
            # People delete images.
            cache_scope=ProcessCacheScope.PER_SESSION,
            level=LogLevel.DEBUG,
        ),
    )
    present = _present(zip(request.field_sets, named), answer.stdout.decode())
    digests = await MultiGet(
        Get(Digest, CreateDigest([FileContent(_file(field_set), _content(names, image_id))]))
        for field_set, names, image_id in present
    )
    return PresentImages(
        FrozenDict(
            {
                field_set: BuiltPackage(
                    digest, (BuiltDockerImage.create(image_id, names.all(), _file(field_set)),)
                )
                for digest, (field_set, names, image_id) in zip(digests, present)
            }
        )
    )


def _present(
    images: Iterable[tuple[DockerPackageFieldSet, ImageNames]], answer: str
) -> list[tuple[DockerPackageFieldSet, ImageNames, str]]:
    """Return those images, with their ids, of which the engine has all names as one image."""
    ids = {}
    for line in filter(None, answer.splitlines()):  # an empty one, if there is no image
        image_id, names = line.split(" ", maxsplit=1)
        ids.update(dict.fromkeys(json.loads(names), image_id))
    present = []
    for field_set, names in images:
        found = {ids.get(name) for name in names.all()}
        if len(found) == 1 and None not in found:
            present.append((field_set, names, found.pop()))
    return present


def _file(field_set: DockerPackageFieldSet) -> str:
    """Return where Pants writes about the image."""
    return field_set.output_path.value_or_default(file_ending="docker-info.json")


def _content(names: ImageNames, image_id: str) -> bytes:
    return DockerInfoV1.serialize(names.registries, image_id=image_id)


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module."""
    return collect_rules()
