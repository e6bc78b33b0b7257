"""The program `cosign`: it makes and checks all signatures; there is no cryptography of our own.

It knows the logins of registries as the command line of Docker does. What it is told of a private
key, it is told by its own environment, COSIGN_PASSWORD for example.
"""

import base64
import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from deploytool.errors import CheckFailed, DeployError, InvalidInput, Place, PlatformFailed
from deploytool.proofs.program import run_program

_PROGRAM = "cosign"
# It waits for a registry, and without a key pair for the services that know the identities.
_LIMIT_S = 120.0
# Its words where it could not look: for a server that is away, and for the keys by which Sigstore
# vouches for identities. Whatever else it says is about what it has looked at.
_NOT_LOOKED = re.compile(
    r"\b(?:dial tcp|proxyconnect|no such host|connection (?:refused|reset)|network is unreachable"
    r"|i/o timeout|(?:handshake |Client\.)timeout|deadline exceeded|unexpected EOF|tls: "
    r"|(?:status(?: code)?|HTTP) 5\d\d|UNAUTHORIZED: |DENIED: |TOOMANYREQUESTS: "
    r"|getting (?:Rekor|Fulcio|CTLog) |TUF remote|tuf: |trusted root)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Signer:
    """One whose signatures are accepted: a key, or an identity that an issuer vouches for.

    key: file of the public key; None for an identity.
    """

    key: Path | None = None
    identity: str = ""
    issuer: str = ""

    def __str__(self) -> str:
        """Return the signer in words."""
        return f"the key {self.key}" if self.key else f"{self.identity} ({self.issuer})"

    def arguments(self) -> tuple[str, ...]:
        """Return what cosign is told: with a key nothing is asked of a public log."""
        if self.key is not None:
            return (f"--key={self.key}", "--private-infrastructure")
        return (
            f"--certificate-identity={self.identity}",
            f"--certificate-oidc-issuer={self.issuer}",
        )


def cosign(
    arguments: Sequence[str], *, text: str = "", timeout_s: float = _LIMIT_S
) -> "CompletedProcess[str]":
    """Run the program with a text as its input, whatever comes of it.

    Raises PlatformFailed when there is no such program, or when it does not end.
    """
    return run_program(
        (_PROGRAM, *arguments),
        purpose="checks or makes signatures here",
        hint=f"install {_PROGRAM}, then repeat the command",
        timeout_s=timeout_s,
        text=text,
        is_told_password=True,
    )


def words_of(done: "CompletedProcess[str]") -> str:
    """Return why the program failed: it says everything twice, the second time with a preface."""
    said = done.stderr.partition("error during command execution: ")
    return " ".join((said[2] or said[0]).split()).removeprefix("Error: ")


def is_unlooked(words: str) -> bool:
    """Tell whether the program says that it could not look, as opposed to what it has found."""
    return _NOT_LOOKED.search(words) is not None


def _refusal(refused: DeployError, words: str) -> DeployError:
    """Return why something is refused: as it is not as demanded, or could not be checked."""
    if not is_unlooked(words):
        return refused
    return PlatformFailed(
        f"{refused.what}: could not be checked",
        why=words,
        hint="see that the registry answers, and for signatures without keys Sigstore's services; "
        "then repeat the command",
    )


def require_blob(content: bytes, bundle: Path, signer: Signer) -> None:
    """Raise InvalidInput unless the bundle holds the signer's signature of this content.

    Raises PlatformFailed when that cannot be checked.
    """
    if not bundle.is_file():
        raise InvalidInput(
            f"{bundle.name} is missing",
            why=f"the signature of {signer} is demanded, and lies in that file",
            hint="bring both files along: `deploytool push` writes them side by side",
            place=Place(bundle),
        )
    why = _complaint_of(content, bundle, signer)
    if why:
        refused = InvalidInput(
            "the signature of the release file is not the one demanded",
            why=f"{why}; demanded is that of {signer}",
            hint="use the file as it was written, with the signature that was made for it",
            place=Place(bundle),
        )
        raise _refusal(refused, why)


def _complaint_of(content: bytes, bundle: Path, signer: Signer) -> str:
    """Return what is wrong with a signature of this content, "" when nothing is.

    A key that a bundle brings along would be taken in the place of the one demanded: beside a key
    only the signature in it counts, and beside an identity it must bring a certificate.
    """
    try:
        told = json.loads(bundle.read_text(encoding="utf-8"))
        signature, certificate = told["base64Signature"], told.get("cert", "")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return f"it is no bundle of cosign ({type(error).__name__})"
    if signer.key is None and not _is_certificate(certificate):
        return "it brings no certificate along"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signature"
        file.write_text(str(signature), encoding="utf-8")
        proof = f"--bundle={bundle}" if signer.key is None else f"--signature={file}"
        done = cosign(
            ("verify-blob", *signer.arguments(), proof, "-"), text=content.decode("utf-8")
        )
    return f"cosign: {words_of(done)}" if done.returncode != 0 else ""


def _is_certificate(text: object) -> bool:
    """Tell whether a bundle's text is a certificate in PEM, as such or once more encoded."""
    plain = str(text)
    try:
        decoded = base64.b64decode(plain, validate=True).decode("ascii")
    except ValueError:
        decoded = plain
    return decoded.lstrip().startswith("-----BEGIN CERTIFICATE-----")


def require_signature(image: str, signer: Signer) -> None:
    """Raise CheckFailed unless the image, NAME@DIGEST, bears the signer's signature.

    Raises PlatformFailed when that cannot be checked.
    """
    done = cosign(("verify", *signer.arguments(), "--output=json", image))
    if done.returncode != 0:
        words = f"cosign: {words_of(done)}"
        refused = CheckFailed(
            f"{image} is not signed as demanded",
            why=f"{words}; demanded is the signature of {signer}",
            hint="deploy what was signed: `deploytool push` signs what it pushes",
        )
        raise _refusal(refused, words)


def attested(image: str, kind: str, signer: Signer) -> list[dict[str, Any]]:
    """Return the statements of a kind that the signer made about the image, NAME@DIGEST.

    kind: as cosign names it, spdxjson for example. Raises CheckFailed when there is none,
    PlatformFailed when that cannot be checked.
    """
    arguments = ("verify-attestation", f"--type={kind}", *signer.arguments(), "--output=json")
    done = cosign((*arguments, image))
    if done.returncode != 0:
        words = f"cosign: {words_of(done)}"
        refused = CheckFailed(
            f"{image} has no attestation {kind} as demanded",
            why=f"{words}; demanded is one of {signer}",
            hint="deploy what was attested: `deploytool push` attests what it signs",
        )
        raise _refusal(refused, words)
    envelopes = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    return [json.loads(base64.b64decode(each["payload"])) for each in envelopes]
