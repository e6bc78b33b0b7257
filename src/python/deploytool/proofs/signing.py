"""Makes signatures and attestations, by cosign, with a key or with the identity of a job."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploytool.errors import CheckFailed, InvalidInput, Place, PlatformFailed
from deploytool.proofs.cosign import (
    Signer,
    attested,
    cosign,
    require_blob,
    require_signature,
    words_of,
)
from deploytool.proofs.program import PASSWORD

_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class Signing:
    """By what is signed, and whose signatures it makes.

    arguments: what cosign is told of the key. signer: None where nobody can say beforehand which
    identity cosign will be given: then nothing counts as signed already.
    """

    arguments: tuple[str, ...]
    signer: Signer | None

    def is_signed(self, image: str) -> bool:
        """Tell whether an image, NAME@DIGEST, bears this signer's signature."""
        if self.signer is None:
            return False
        try:
            require_signature(image, self.signer)
        except CheckFailed:
            return False
        return True

    def sign(self, image: str) -> None:
        """Sign an image. Raises PlatformFailed."""
        self._do("sign", image, subject=f"{image} was not signed")

    def statements(self, image: str, kind: str) -> list[dict[str, Any]]:
        """Return what this signer has attested of an image; kind: as cosign names it."""
        if self.signer is None:
            return []
        try:
            return attested(image, kind, self.signer)
        except CheckFailed:
            return []

    def attest(self, image: str, kind: str, predicate: Path) -> None:
        """Attest what stands in a file of an image. Raises PlatformFailed."""
        self._do(
            "attest",
            f"--type={kind}",
            f"--predicate={predicate}",
            image,
            subject=f"{kind} was not attested of {image}",
        )

    def is_signed_file(self, content: Path, bundle: Path) -> bool:
        """Tell whether a bundle holds this signer's signature of a file."""
        if self.signer is None:
            return False
        try:
            require_blob(content.read_bytes(), bundle, self.signer)
        except InvalidInput:
            return False
        return True

    def sign_file(self, content: Path, bundle: Path) -> None:
        """Sign a file; its bundle is what verifies it. Raises PlatformFailed."""
        self._do(
            "sign-blob", f"--bundle={bundle}", str(content), subject=f"{content} was not signed"
        )

    def _do(self, command: str, *arguments: str, subject: str) -> None:
        done = cosign((command, "--yes", *self.arguments, *arguments))
        if done.returncode != 0:
            raise PlatformFailed(
                subject,
                why=f"cosign: {words_of(done)}",
                hint="see that the registry can be written to, then repeat the command: what is "
                "signed already is not signed again",
            )


@contextmanager
def by_key(key: Path) -> Iterator[Signing]:
    """Sign with the private key in a file, whose password is in COSIGN_PASSWORD.

    Nothing is told to a public log. Raises InvalidInput when the key cannot be used.
    """
    if PASSWORD not in os.environ:
        raise InvalidInput(
            f"the password of {key} is not known",
            why=f"{PASSWORD} is not set, and nothing else tells it",
            hint=f"set {PASSWORD} in the environment; to nothing, where the key has none",
        )
    with tempfile.TemporaryDirectory() as folder:
        public = Path(folder) / "key.pub"
        done = cosign(("public-key", f"--key={key}", f"--outfile={public}"))
        if done.returncode != 0:
            raise InvalidInput(
                f"{key} cannot be used to sign",
                why=f"cosign: {words_of(done)}",
                hint=f"name a private key as `cosign generate-key-pair` writes it, and see that "
                f"{PASSWORD} is its password",
                place=Place(key),
            )
        yield Signing((f"--key={key}", "--tlog-upload=false"), Signer(key=public))


def by_identity(environment: Mapping[str, str]) -> Signing:
    """Sign with the identity of this job, which cosign proves to Sigstore's public services.

    environment: names the identity where GitHub runs the job.
    """
    workflow = environment.get("GITHUB_WORKFLOW_REF")
    if not workflow:
        return Signing((), None)
    identity = f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{workflow}"
    return Signing((), Signer(identity=identity, issuer=_GITHUB_ISSUER))
