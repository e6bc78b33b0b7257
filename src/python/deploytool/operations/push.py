"""Push what was built to a registry that lacks it, and write down under which digests it is."""

from pathlib import Path

from deploytool.errors import InvalidInput
from deploytool.operations.context import Context
from deploytool.platforms.engine_images import engine_image
from deploytool.platforms.images import image_name
from deploytool.platforms.registry import Registry
from deploytool.record.file_store import write_durably
from deploytool.system.release import Release, ReleasedImage


def push(context: Context, address: str, file: Path, source: tuple[str, str]) -> Release:
    """Push every image that was built for the target; write the release to the file.

    An image that the registry holds under its content's tag is not pushed again. address: of the
    registry, HOST[:PORT][/PATH]. source: the repository's address and the commit.
    """
    if not context.artifacts:
        raise InvalidInput(
            "nothing was built to be pushed",
            why=f"no artifact was handed over for the target {context.target!r}",
            hint="start deploytool by `./pants run deploytool -- ...`",
        )
    repository, commit = source
    if not (repository and commit):
        raise InvalidInput(
            "where the images come from is not known",
            why=f"the repository is {repository or 'unknown'}, its commit {commit or 'unknown'}",
            hint="set IMAGE_SOURCE to the repository's address and IMAGE_REVISION to the commit",
        )
    registry = Registry(address)
    # One image may serve for several.
    names = {component: image_name(path) for component, path in context.artifacts.items()}
    digests = {name: _pushed(context, registry, name) for name in dict.fromkeys(names.values())}
    release = Release(
        system=context.system.system,
        repository=repository,
        commit=commit,
        images={
            component: ReleasedImage(
                image=registry.reference(name, digests[name]),
                tag=name.rpartition(":")[2],
                platform=engine_image(name).platform,
            )
            for component, name in names.items()
        },
    )
    _write(file, release)
    return release


def _pushed(context: Context, registry: Registry, image: str) -> str:
    digest = registry.digest(image)
    if digest is not None:
        context.say("present", image, reason=f"{registry.address} holds it already")
        return digest
    with context.timed("pushed", image, action="push"):
        return registry.push(image)


def _write(file: Path, release: Release) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, release.model_dump_json(indent=2) + "\n", 0o644)
    except OSError as error:
        raise InvalidInput(
            f"the release cannot be written to {file}",
            why=str(error),
            hint="name another file with --file",
        ) from error
