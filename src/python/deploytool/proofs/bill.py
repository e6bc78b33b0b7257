"""Bills of materials of an image, by syft: in the words of SPDX and of CycloneDX."""

from dataclasses import dataclass
from pathlib import Path

from deploytool.errors import PlatformFailed
from deploytool.proofs.program import run_program

# A large image over a slow line.
_LIMIT_S = 900.0
# As syft names a form, and as cosign does.
SPDX, CYCLONEDX = "spdxjson", "cyclonedx"
_FORMS = {SPDX: "spdx-json", CYCLONEDX: "cyclonedx-json"}


@dataclass(frozen=True, slots=True)
class Syft:
    """The program: its path, or its name in PATH."""

    path: Path

    def bills(self, image: str, folder: Path) -> dict[str, Path]:
        """Write what an image of a registry, NAME@DIGEST, holds into files of a folder, by kind.

        Raises PlatformFailed.
        """
        files = {kind: folder / f"{kind}.json" for kind in _FORMS}
        outputs = [f"--output={form}={files[kind]}" for kind, form in _FORMS.items()]
        done = run_program(
            (str(self.path), "scan", f"registry:{image}", *outputs, "--quiet"),
            purpose="tells here what an image holds",
            hint="start deploytool by `./pants run deploytool -- ...`, or install syft",
            timeout_s=_LIMIT_S,
        )
        if done.returncode != 0:
            raise PlatformFailed(
                f"there is no bill of materials of {image}",
                why=f"syft: {' '.join(done.stderr.split()) or 'it gave no reason'}",
                hint="see that the registry answers, then repeat the command",
            )
        return files
