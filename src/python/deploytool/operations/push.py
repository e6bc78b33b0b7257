"""Push what was built to a registry that lacks it, and write down under which digests it is."""

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from deploytool.errors import InvalidInput
from deploytool.operations.context import Context
from deploytool.operations.proving import Proving
from deploytool.platforms.engine_images import engine_image
from deploytool.platforms.images import image_name
from deploytool.platforms.registry import Registry
from deploytool.programs import at_once
from deploytool.record.file_store import write_durably
from deploytool.system.release import Release, ReleasedImage, bundle_of


def push(
    context: Context,
    address: str,
    file: Path,
    source: tuple[str, str],
    proofs: AbstractContextManager[Proving | None],
) -> Release:
    """Push every image that was built for the target; write the release to the file.

    An image that the registry holds under its content's tag is not pushed again. address: of the
    registry, HOST[:PORT][/PATH]. source: the repository's address and the commit. proofs: open only
    while it works; None for a release without proofs. The file is written last: what it names is
    there and proved.
    """
    # The others bring programs of the target.
    built = {name: path for name, path in context.artifacts.items() if path.suffix == ".json"}
    if not built:
        raise InvalidInput(
            "nothing was built to be pushed",
            why=f"no image was handed over for the target {context.target!r}",
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
    names = {component: image_name(path) for component, path in built.items()}
    with proofs as proving:
        images = _images(context, registry, tuple(dict.fromkeys(names.values())), proving)
        release = Release(
            system=context.system.system,
            repository=repository,
            commit=commit,
            images={component: images[name] for component, name in names.items()},
        )
        _write(file, release, proving)
    return release


def _images(
    context: Context, registry: Registry, names: Sequence[str], proving: Proving | None
) -> dict[str, ReleasedImage]:
    """Return each image by its NAME:TAG, as the registry holds it: pushed, and proved."""

    def released(name: str) -> ReleasedImage:
        return _released(registry, name, digests[name], proving)

    held = dict(zip(names, at_once(registry.digest, names), strict=True))
    digests = {name: _pushed(context, registry, name, held[name]) for name in names}
    return dict(zip(names, at_once(released, names), strict=True))


def _pushed(context: Context, registry: Registry, image: str, held: str | None) -> str:
    """Return the digest of an image in the registry; held: what it is there already."""
    if held is not None:
        context.say("present", image, reason=f"{registry.address} holds it already")
        return held
    with context.timed("pushed", image, action="push"):
        return registry.push(image)


def _released(registry: Registry, name: str, digest: str, proving: Proving | None) -> ReleasedImage:
    image, platform = registry.reference(name, digest), engine_image(name).platform
    return ReleasedImage(
        image=image,
        tag=name.rpartition(":")[2],
        platform=platform,
        sbom=proving.prove(name, image, platform) if proving else None,
    )


def _write(file: Path, release: Release, proving: Proving | None) -> None:
    """Put a release in the place of another one; never one beside the signature of the other."""
    text, bundle = release.model_dump_json(indent=2) + "\n", bundle_of(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        is_there = file.is_file() and file.read_bytes() == text.encode()
        if proving and is_there and proving.signing.is_signed_file(file, bundle):
            return
        signature = _signature(file, text, proving) if proving else ""
        bundle.unlink(missing_ok=True)
        write_durably(file, text, 0o644)
        if signature:
            write_durably(bundle, signature, 0o644)
    except OSError as error:
        raise InvalidInput(
            f"the release cannot be written to {file}",
            why=str(error),
            hint="name another file with --file",
        ) from error


def _signature(file: Path, text: str, proving: Proving) -> str:
    """Return the bundle that proves a text, before anything is written where it will lie."""
    with tempfile.TemporaryDirectory() as place:
        content = Path(place) / file.name
        content.write_text(text, encoding="utf-8")
        proving.signing.sign_file(content, bundle_of(content))
        return bundle_of(content).read_text(encoding="utf-8")
