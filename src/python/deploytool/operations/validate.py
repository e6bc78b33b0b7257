"""Checks manifests as they stand in files: without a cluster, and before anything is deployed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from deploytool.errors import InvalidInput, Place
from deploytool.manifests.checks import run_checks
from deploytool.manifests.finding import Finding
from deploytool.manifests.kustomization import Sources, read_all
from deploytool.manifests.manifest import manifests_in
from deploytool.manifests.rendering import Rendering
from deploytool.manifests.schemas import schemas_for
from deploytool.manifests.subject import subjects_in
from deploytool.system.document import Document, parse_documents, read_documents
from deploytool.system.targets import KubernetesTarget, Target

Render = Callable[[Path], str]
"""Returns what kustomize makes of a folder."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What there is to say about a line.

    path: absolute. line: from 1, None for the file as a whole. object: KIND/NAME, "" for none.
    is_error: False for a note, which makes nothing invalid.
    """

    path: Path
    line: int | None
    object: str
    message: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found. kubernetes: versions. objects: how many were checked, with repetitions."""

    kubernetes: tuple[str, ...]
    objects: int
    findings: tuple[Statement, ...]


def validate(
    paths: Sequence[Path], targets: Mapping[str, Target], deploy: Path, render: Render
) -> Validation:
    """Check files and folders, or without any the manifests of all targets on Kubernetes.

    What is named is checked for each version of Kubernetes that a target declares, or the newest
    before it whose schemas are known. deploy: the folder of targets.yaml. Raises InvalidInput when
    no target is on Kubernetes, or when a folder is missing or cannot be rendered; what is wrong
    with a file is a statement like any other.
    """
    clusters = {k: each for k, each in targets.items() if isinstance(each, KubernetesTarget)}
    if not clusters:
        raise InvalidInput(
            "there is no Kubernetes to check manifests for",
            why=f"{deploy / 'targets.yaml'} declares no target with `platform: kubernetes`",
            hint="declare one there",
        )
    own = [
        (deploy / each.manifests, schemas_for(each.kubernetes_version).version)
        for each in clusters.values()
    ]
    versions = tuple(dict.fromkeys(version for _, version in own))
    for name, each in clusters.items():
        if not paths and not (deploy / each.manifests).is_dir():
            raise _missing(name, each, deploy)
    objects = 0
    statements: list[Statement] = []
    for path, version in product(paths, versions) if paths else own:
        for subject in subjects_in(path):
            count, found = _judge(subject, version, render)
            objects += count
            statements += found
    ordered = sorted(dict.fromkeys(statements), key=lambda each: (each.path, each.line or 0))
    return Validation(versions, objects, tuple(ordered))


def _missing(name: str, target: KubernetesTarget, deploy: Path) -> InvalidInput:
    return InvalidInput(
        f"the manifests of target {name!r} are missing",
        why=f"{deploy / target.manifests} is no folder",
        hint="correct `manifests` of the target: it is relative to targets.yaml",
        place=Place(deploy / "targets.yaml"),
    )


def _judge(subject: Path, version: str, render: Render) -> tuple[int, list[Statement]]:
    """Return how many objects a file or a folder of kustomize has, and what to say about them."""
    try:
        documents, place = _read(subject, render)
    except InvalidInput as error:
        if error.place is None:
            raise
        return 0, [_statement(error.place, "", f"{error.what}: {error.why}", is_error=True)]
    rendering = Rendering(tuple(manifests_in(documents)), version)
    return len(rendering.manifests), [
        _statement(place(each), each.manifest.title, each.message, is_error=each.is_error)
        for each in run_checks(rendering)
    ]


def _read(subject: Path, render: Render) -> tuple[list[Document], Callable[[Finding], Place]]:
    """Return the documents to check, and what says where a finding comes from."""
    if subject.is_file():
        return read_documents(subject), _own_place
    own, *others = read_all(subject)
    if own.is_component:  # nothing by itself: what it adds is checked as it stands
        return own.documents(), _own_place
    sources = [document for each in (own, *others) for document in each.documents()]
    return parse_documents(render(subject), own.file), Sources(own.file, sources).place


def _own_place(finding: Finding) -> Place:
    return finding.manifest.place(finding.location)


def _statement(place: Place, title: str, message: str, *, is_error: bool) -> Statement:
    if title and place.line is None:
        message += " (by a patch or generator: no file of objects says so)"
    return Statement(place.path.resolve(), place.line, title, message, is_error)
