"""What proves an image: decided here on what cosign has verified; nothing is believed unverified.

Nothing is remembered either: each deployment, and each way back, asks the registry again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from deploytool.errors import CheckFailed, DeployError, InvalidInput, Place
from deploytool.programs import at_once
from deploytool.proofs.bill import SPDX
from deploytool.proofs.cosign import Signer, attested, require_blob, require_signature
from deploytool.proofs.provenance import PROVENANCE
from deploytool.system.release import (
    ReleasedBuild,
    ReleaseFile,
    content_digest,
    require_repository,
)
from deploytool.system.targets import Proof

# In this order they are told.
_KINDS = ("signature", "provenance", "sbom")


def signer_of(proof: Proof) -> Signer:
    """Return who must have signed. Raises InvalidInput when there is no such key."""
    if proof.key is not None and not proof.key.is_file():
        raise InvalidInput(
            "the key of the proof that the target demands is missing",
            why=f"there is no {proof.key}",
            hint="put the public key there, or correct `proof` in targets.yaml",
            place=Place(proof.key),
        )
    return Signer(proof.key, proof.identity, proof.issuer)


def require_release(file: ReleaseFile, proof: Proof) -> None:
    """Raise InvalidInput unless the file is of the repository and bears the signature demanded."""
    require_repository(file, proof.repository)
    require_blob(file.content, file.bundle, signer_of(proof))


def require_proof(builds: Mapping[str, ReleasedBuild], proof: Proof) -> None:
    """Raise CheckFailed unless everything demanded is there for every image.

    builds: by a name for the person; who shares an image is looked at once. Raises PlatformFailed
    where it cannot be looked at.
    """
    signer = signer_of(proof)
    unique = {build.image.image: (name, build) for name, build in builds.items()}
    checks = [
        (name, build, kind)
        for name, build in unique.values()
        for kind in _KINDS
        if kind in proof.require
    ]

    def fault(check: tuple[str, ReleasedBuild, str]) -> DeployError | None:
        return _fault(*check, repository=proof.repository, signer=signer)

    faults = [each for each in at_once(fault, checks) if each is not None]
    if faults:
        others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        faults[0].why += others
        raise faults[0]


def _fault(
    name: str, build: ReleasedBuild, kind: str, *, repository: str, signer: Signer
) -> DeployError | None:
    """Return why an image lacks a kind of proof, None when it has it."""
    image = build.image.image
    try:
        if kind == "signature":
            require_signature(image, signer)
            return None
        if kind == "provenance":
            statements = attested(image, PROVENANCE, signer)
            why = provenance_fault(statements, repository, build.commit)
        else:
            why = sbom_fault(attested(image, SPDX, signer), build.image.sbom)
    except DeployError as error:
        return error
    if not why:
        return None
    return CheckFailed(
        f"{name}: the {kind} of {image} is not the one demanded",
        why=why,
        hint="deploy a release as `deploytool push` wrote it",
    )


def provenance_fault(statements: Sequence[Mapping[str, Any]], repository: str, commit: str) -> str:
    """Return why none of the statements says these sources, "" when one does."""
    found = [source for each in statements for source in _sources(each.get("predicate"))]
    if (repository, commit) in found:
        return ""
    told = "; ".join(f"{where} at {what}" for where, what in found) or "no sources"
    return f"it says {told}; the release says {repository} at {commit}"


def commits_of(statements: Sequence[Mapping[str, Any]], repository: str) -> list[str]:
    """Return the commits of a repository that provenances name, in their order."""
    found = [source for each in statements for source in _sources(each.get("predicate"))]
    return [commit for address, commit in found if address == repository]


def sbom_fault(statements: Sequence[Mapping[str, Any]], digest: str | None) -> str:
    """Return why none of the statements is the bill of materials of that digest, "" if one is."""
    if digest is None:
        return "the release names none"
    found = [content_digest(each.get("predicate")) for each in statements]
    return "" if digest in found else f"it is {', '.join(found)}; the release says {digest}"


def _sources(predicate: Any) -> list[tuple[str, str]]:
    """Return the repositories, each with its commit, that a provenance of SLSA 1 names.

    https://slsa.dev/spec/v1.0/provenance: git+ADDRESS@REF, with the commit as a digest beside it.
    """
    build = predicate.get("buildDefinition") if isinstance(predicate, dict) else None
    materials = build.get("resolvedDependencies") if isinstance(build, dict) else None
    return [
        (_repository(str(each.get("uri", ""))), str(each["digest"]["gitCommit"]))
        for each in materials or []
        if isinstance(each, dict) and "gitCommit" in (each.get("digest") or {})
    ]


def _repository(uri: str) -> str:
    """Return the address in a URI: without git+ before it and @REF after its path."""
    address = uri.removeprefix("git+")
    host, slash, path = address.partition("://")
    return f"{host}{slash}{path.partition('@')[0]}"
