"""Makes releases for tests: small images in a real registry, proved by a real cosign."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx2

from deploytool.system.release import bundle_of, content_digest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
COMMIT = "c0ffee" * 6 + "c0de"
REPOSITORY = "https://example.org/owner/shop"
BILL = {"spdxVersion": "SPDX-2.3", "name": "a bill of materials"}


class Keys:
    """A key pair without a password; its public half is what a target demands."""

    def __init__(self, folder: Path) -> None:
        assert shutil.which("cosign"), "install cosign: `.ci/install engine`, as root"
        folder.mkdir(parents=True)
        self._folder = folder
        self._run("generate-key-pair")
        self.public = folder / "cosign.pub"

    def sign(self, image: str) -> None:
        self._run("sign", *self._signing(), image)

    def attest(self, image: str, kind: str, predicate: Any) -> None:
        file = self._folder / "predicate.json"
        file.write_text(json.dumps(predicate))
        self._run("attest", *self._signing(), f"--type={kind}", f"--predicate={file}", image)

    def sign_file(self, file: Path) -> None:
        self._run("sign-blob", *self._signing(), f"--bundle={bundle_of(file)}", str(file))

    def _signing(self) -> tuple[str, ...]:
        return ("--yes", "--tlog-upload=false", f"--key={self._folder / 'cosign.key'}")

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            ["cosign", *arguments],
            cwd=self._folder,
            env={**os.environ, "COSIGN_PASSWORD": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def provenance(repository: str = REPOSITORY, commit: str = COMMIT) -> dict[str, Any]:
    """Return what says that an image was made of a commit."""
    source = {"uri": f"git+{repository}@{commit}", "digest": {"gitCommit": commit}}
    return {
        "buildDefinition": {
            "buildType": "urn:test",
            "externalParameters": {},
            "resolvedDependencies": [source],
        },
        "runDetails": {"builder": {"id": "urn:test"}},
    }


def published(registry: str, name: str, content: str = "1") -> str:
    """Put an image into a registry that nothing runs; return NAME@DIGEST."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "content": content}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "size": len(config),
            "digest": _uploaded(registry, name, config),
        },
        "layers": [],
    }
    raw = json.dumps(manifest).encode()
    digest = _digest(raw)
    answer = httpx2.put(
        f"http://{registry}/v2/{name}/manifests/{digest}",
        content=raw,
        headers={"Content-Type": MANIFEST},
    )
    assert answer.is_success, answer.text
    return f"{registry}/{name}@{digest}"


def prove(image: str, keys: Keys, *, commit: str = COMMIT, repository: str = REPOSITORY) -> None:
    """Sign and attest an image in all the ways that can be demanded."""
    keys.sign(image)
    keys.attest(image, "slsaprovenance1", provenance(repository, commit))
    keys.attest(image, "spdxjson", BILL)


def moved_proofs(registry: str, source: str, target: str) -> None:
    """Give what proves one image the names under which another one's proof is looked for.

    Both are NAME@DIGEST, of one name.
    """
    name = source.partition("@")[0].rpartition("/")[2]
    before, after = (each.rpartition(":")[2] for each in (source, target))
    for kind in ("sig", "att"):
        place = f"http://{registry}/v2/{name}/manifests/sha256-"
        found = httpx2.get(f"{place}{before}.{kind}", headers={"Accept": MANIFEST})
        kept = {"Content-Type": found.headers["Content-Type"]}
        moved = httpx2.put(f"{place}{after}.{kind}", content=found.content, headers=kept)
        assert moved.is_success, moved.text


def content(images: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Return the content of a release file of these images, NAME@DIGEST."""
    return {
        "format": 1,
        "system": "shop",
        "repository": REPOSITORY,
        "commit": COMMIT,
        "images": {
            name: {
                "image": image,
                "tag": "t1",
                "platform": "linux/amd64",
                "sbom": content_digest(BILL),
            }
            for name, image in images.items()
        },
        **changes,
    }


def write_signed(file: Path, release: dict[str, Any], keys: Keys) -> Path:
    """Write a release file, with its signature beside it."""
    file.write_text(json.dumps(release, indent=2) + "\n")
    keys.sign_file(file)
    return file


def _uploaded(registry: str, name: str, blob: bytes) -> str:
    begun = httpx2.post(f"http://{registry}/v2/{name}/blobs/uploads/")
    digest = _digest(blob)
    place = httpx2.URL(begun.headers["Location"]).copy_merge_params({"digest": digest})
    answer = httpx2.put(place, content=blob)
    assert answer.is_success, answer.text
    return digest


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
