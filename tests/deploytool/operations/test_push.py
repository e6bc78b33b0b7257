"""A push with proofs, to a real registry: cosign accepts all of it, and nothing is made twice."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.errors import DeployError, InvalidInput, PlatformFailed
from deploytool.operations.context import Context
from deploytool.operations.proving import Proving, open_proving
from deploytool.operations.push import push
from deploytool.proofs.cosign import Signer, attested, require_blob, require_signature
from deploytool.record.event import Event
from deploytool.system.release import Release, bundle_of, content_digest
from tests.registry import serving

REPOSITORY = "https://example.com/owner/name"
NOTE = f"Package: thing\nVersion: 1:2.0+b1\nArchitecture: amd64\nSHA256: {'ab' * 32}\n"
PLACES = (Path.cwd(), Path.cwd() / "dist")
SYFT = "3rdparty.python/syft.pex"
PASSWORD = "a password of tests"


def run(*argv: str, cwd: Path | None = None, text: bytes = b"") -> str:
    done = subprocess.run(argv, cwd=cwd, input=text, capture_output=True, check=False)
    assert done.returncode == 0, (argv, done.stderr.decode())
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def engine() -> None:
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")
    assert shutil.which("cosign"), "install cosign: `.ci/install engine`, as root"


def key_pair(folder: Path) -> tuple[Path, Signer]:
    folder.mkdir()
    run("cosign", "generate-key-pair", cwd=folder)
    return folder / "cosign.key", Signer(key=folder / "cosign.pub")


@dataclass
class Pushing:
    """What a test pushes: one small image, built from a clean clone with one lock."""

    folder: Path
    registry: str
    image: str
    syft: Path | None
    told: list[Event] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "repository"

    @property
    def file(self) -> Path:
        return self.folder / "release.json"

    @property
    def commit(self) -> str:
        return run("git", "rev-parse", "HEAD", cwd=self.root)

    def edit(self) -> None:
        """Commit something that no image holds."""
        with (self.root / "README.md").open("a") as file:
            file.write("one more line\n")
        run("git", "commit", "--quiet", "--all", "--message=Say more", cwd=self.root)

    def push(self, key: Path | None = None, registry: str = "", **others: str) -> Release:
        """Push, with proofs if there is a key. others: component -> image, beside the one."""
        built = self._built(self.image)
        runtime = self.folder / "runtime.pex"
        runtime.touch()
        self.told.clear()
        context = Context(
            system=cast("Any", SimpleNamespace(system="shop")), platform=cast("Any", None),
            target="compose", run="20261130T101010-abcd", command="push", emit=self.told.append,
            artifacts={
                "web": built, "worker": built, "runtime": runtime,
                **{component: self._built(image) for component, image in others.items()},
            },
        )  # fmt: skip
        source = (REPOSITORY, self.commit)
        proofs: AbstractContextManager[Proving | None] = nullcontext()
        if key:
            proofs = open_proving(context, key, self.root, source, self.syft)
        return push(context, registry or self.registry, self.file, source, proofs)

    def _built(self, image: str) -> Path:
        """Return what Pants writes about an image."""
        file = self.folder / f"{image.partition(':')[0]}.json"
        file.write_text(json.dumps({"registries": [{"tags": [{"name": image}]}]}))
        return file

    def done(self) -> list[str]:
        return [each.event for each in self.told]


@pytest.fixture
def pushing(engine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pushing]:
    syft = next(found for each in PLACES if (found := each / SYFT).exists())
    monkeypatch.setenv("COSIGN_PASSWORD", PASSWORD)
    for name in ("GITHUB_WORKFLOW_REF", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "repository"
    (root / "3rdparty").mkdir(parents=True)
    (root / "3rdparty/some.lock").write_text("one==1.0\n")
    (root / "README.md").touch()
    run("git", "init", "--quiet", cwd=root)
    for name, value in {"name": "tests", "email": "tests@example.com"}.items():
        run("git", "config", f"user.{name}", value, cwd=root)
    run("git", "add", ".", cwd=root)
    run("git", "commit", "--quiet", "--message=First", cwd=root)
    with imported("proved", str(tmp_path)) as image, serving(tmp_path) as registry:
        yield Pushing(tmp_path, registry, image, syft.resolve())


@contextmanager
def imported(name: str, content: str, note: str = NOTE) -> Iterator[str]:
    """Have an image of a content meanwhile; yield its NAME:TAG."""
    image = f"{name}:{hashlib.sha256(content.encode()).hexdigest()}"
    run("docker", "import", "-", image, text=file_system(content, note))
    try:
        yield image
    finally:
        run("docker", "image", "rm", "--force", image)


def file_system(content: str, note: str) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tree:
        # Without its folders syft would not find a file.
        for folder in ("var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/status.d"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tree.addfile(entry)
        for name, text in {"content": content, "var/lib/dpkg/status.d/thing": note}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tree.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


def test_what_is_pushed_with_a_key_is_accepted_for_that_key_alone(
    pushing: Pushing, tmp_path: Path
) -> None:
    key, signer = key_pair(tmp_path / "keys")
    _, other = key_pair(tmp_path / "others")

    release = pushing.push(key)

    assert list(release.images) == ["web", "worker"]
    image = release.images["web"].image
    require_signature(image, signer)
    require_blob(pushing.file.read_bytes(), bundle_of(pushing.file), signer)
    assert Release.model_validate_json(pushing.file.read_bytes()) == release
    [spdx] = attested(image, "spdxjson", signer)
    assert content_digest(spdx["predicate"]) == release.images["web"].sbom
    assert "thing" in {each["name"] for each in spdx["predicate"]["packages"]}
    [cyclonedx] = attested(image, "cyclonedx", signer)
    assert "thing" in {each["name"] for each in cyclonedx["predicate"]["components"]}
    for refused in (
        lambda: require_signature(image, other),
        lambda: attested(image, "slsaprovenance1", other),
        lambda: require_blob(pushing.file.read_bytes(), bundle_of(pushing.file), other),
    ):
        with pytest.raises(DeployError):
            refused()


def test_the_provenance_names_commit_locks_and_debian_packages(
    pushing: Pushing, tmp_path: Path
) -> None:
    key, signer = key_pair(tmp_path / "keys")

    release = pushing.push(key)

    [statement] = attested(release.images["web"].image, "slsaprovenance1", signer)
    assert statement["subject"][0]["digest"]["sha256"] == release.images["web"].digest[7:]
    commit, lock = pushing.commit, hashlib.sha256(b"one==1.0\n").hexdigest()
    assert statement["predicate"]["buildDefinition"]["resolvedDependencies"] == [
        {"uri": f"git+{REPOSITORY}@{commit}", "digest": {"gitCommit": commit}},
        {"uri": f"git+{REPOSITORY}@{commit}#3rdparty/some.lock", "digest": {"sha256": lock}},
        {
            "uri": "pkg:deb/debian/thing@1%3A2.0%2Bb1?arch=amd64",
            "digest": {"sha256": "ab" * 32},
        },
    ]


def test_each_of_several_images_is_proved_by_what_it_holds(
    pushing: Pushing, tmp_path: Path
) -> None:
    key, signer = key_pair(tmp_path / "keys")
    with ExitStack() as stack:
        others = {
            name: stack.enter_context(
                imported(name, str(tmp_path), NOTE.replace("Package: thing", f"Package: {name}"))
            )
            for name in ("first", "second", "third", "fourth")
        }
        images = pushing.push(key, **others).images

    assert sorted(images) == sorted(["web", "worker", *others])
    assert pushing.done().count("signed") == 5
    for name in others:
        image = images[name].image
        assert image.partition("@")[0] == f"{pushing.registry}/{name}"
        require_signature(image, signer)
        [spdx] = attested(image, "spdxjson", signer)
        assert name in {each["name"] for each in spdx["predicate"]["packages"]}
        assert images[name].sbom == content_digest(spdx["predicate"])
        [statement] = attested(image, "slsaprovenance1", signer)
        materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
        assert materials[-1]["uri"].startswith(f"pkg:deb/debian/{name}@")


def test_what_is_proved_already_is_not_proved_again(pushing: Pushing, tmp_path: Path) -> None:
    key, signer = key_pair(tmp_path / "keys")
    first = pushing.push(key)
    assert pushing.done() == ["pushed", "listed", "attested", "signed"]
    bundle = bundle_of(pushing.file).read_bytes()

    again = pushing.push(key)

    assert again == first
    assert pushing.done() == ["present", "proved"]
    assert bundle_of(pushing.file).read_bytes() == bundle
    # The next commit builds the same image: it has a provenance of its own, and nothing else.
    pushing.edit()
    later = pushing.push(key)
    assert pushing.done() == ["present", "attested", "proved"]
    assert later.images == first.images
    assert len(attested(first.images["web"].image, "slsaprovenance1", signer)) == 2
    # For another key all of it is made.
    other, another = key_pair(tmp_path / "others")
    pushing.push(other)
    assert pushing.done() == ["present", "listed", "attested", "signed"]
    require_blob(pushing.file.read_bytes(), bundle_of(pushing.file), another)


def test_without_a_key_nothing_is_signed(pushing: Pushing) -> None:
    bundle_of(pushing.file).write_text("the signature of another release")

    release = pushing.push()

    assert pushing.done() == ["pushed"]
    assert release.images["web"].sbom is None
    assert not bundle_of(pushing.file).exists()


@pytest.mark.parametrize("fault", ["registry", "syft", "key", "password", "edited", "another"])
def test_what_cannot_be_proved_leaves_no_release(
    pushing: Pushing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    key, _ = key_pair(tmp_path / "keys")
    expected: type[DeployError] = InvalidInput
    registry = pushing.registry
    match fault:
        case "registry":
            registry, expected, words = "127.0.0.1:1", PlatformFailed, "connection refused"
        case "syft":
            pushing.syft = None
            expected, words = PlatformFailed, "there is none in PATH"
        case "key":
            key, words = tmp_path / "none.key", "no such file"
        case "password":
            monkeypatch.delenv("COSIGN_PASSWORD")
            words = "COSIGN_PASSWORD is not set"
        case "edited":
            (pushing.root / "new.py").touch()
            words = "?? new.py"
        case "another":
            monkeypatch.setenv("COSIGN_PASSWORD", "another one")
            words = "decrypt"

    with pytest.raises(expected) as failure:
        pushing.push(key, registry)

    assert words in failure.value.why
    assert failure.value.hint
    assert PASSWORD not in str(failure.value.as_dict())
    assert not pushing.file.exists()
    assert not bundle_of(pushing.file).exists()
