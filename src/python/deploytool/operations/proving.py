"""Prove what an image holds and where it comes from, unless that is proved already."""

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploytool.operations.context import Context
from deploytool.platforms.debian_notes import debian_notes
from deploytool.proofs.bill import CYCLONEDX, SPDX, Syft
from deploytool.proofs.checkout import locks, require_commit
from deploytool.proofs.provenance import (
    PROVENANCE,
    Build,
    Material,
    build_of,
    debian_materials,
    lock_materials,
    provenance,
)
from deploytool.proofs.signing import Signing, by_identity, by_key
from deploytool.proofs.verification import commits_of
from deploytool.system.release import content_digest


@dataclass(frozen=True, slots=True)
class Proved:
    """The proof of an image.

    bill: digest of its bill of materials. commit: the earlier one that its provenance names, None
    where that is the build's own.
    """

    bill: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Proving:
    """Proofs of the images of one build. locks: the materials that all of them have."""

    context: Context
    signing: Signing
    build: Build
    locks: tuple[Material, ...]
    syft: Syft

    def prove(self, name: str, image: str, platform: str) -> Proved:
        """Attest and sign an image; return what proves it.

        name: NAME:TAG of the engine. image: NAME@DIGEST in the registry. What this signer has
        proved of it before stays. The signature comes last: what is signed is attested, too.
        Raises PlatformFailed.
        """
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            bill = self._bills(image, folder)
            commit = self._provenance(name, image, platform, folder)
        if self.signing.is_signed(image):
            self.context.say("proved", image, reason="it is signed already")
        else:
            with self.context.timed("signed", image, action="sign"):
                self.signing.sign(image)
        return Proved(bill, commit)

    def _bills(self, image: str, folder: Path) -> str:
        known = {kind: self.signing.statements(image, kind) for kind in (SPDX, CYCLONEDX)}
        missing = [kind for kind, found in known.items() if not found]
        if missing:
            with self.context.timed("listed", image, action="attest"):
                files = self.syft.bills(image, folder)
                for kind in missing:
                    self.signing.attest(image, kind, files[kind])
                    known[kind] = [{"predicate": json.loads(files[kind].read_bytes())}]
        return content_digest(known[SPDX][0]["predicate"])

    def _provenance(self, name: str, image: str, platform: str, folder: Path) -> str | None:
        known = commits_of(self.signing.statements(image, PROVENANCE), self.build.repository)
        # An image that did not change is what later commits build as well. One more provenance for
        # each of them would make every look at it longer, up to the most that cosign takes: 1000.
        if known:
            return None if self.build.commit in known else known[0]
        with self.context.timed("attested", image, action="attest"):
            materials = (*self.locks, *debian_materials(debian_notes(name)))
            file = folder / f"{PROVENANCE}.json"
            predicate = provenance(self.build, name, platform, materials)
            file.write_text(json.dumps(predicate), encoding="utf-8")
            self.signing.attest(image, PROVENANCE, file)
        return None


@contextmanager
def open_proving(
    context: Context, key: Path | None, root: Path, source: tuple[str, str], syft: Path | None
) -> Iterator[Proving]:
    """Prove what was built from the clean checkout at root.

    key: file of a private key; None for the identity of this job. source: the repository's address
    and the commit. syft: the program; None for the one of this machine. Raises InvalidInput when
    the checkout is something else, or for a key that cannot be used.
    """
    repository, commit = source
    require_commit(root, commit)
    build = build_of(repository, commit, os.environ, host=socket.gethostname(), run=context.run)
    with ExitStack() as stack:
        signing = stack.enter_context(by_key(key)) if key else by_identity(os.environ)
        materials = tuple(lock_materials(build, locks(root)))
        yield Proving(context, signing, build, materials, Syft(syft or Path("syft")))
