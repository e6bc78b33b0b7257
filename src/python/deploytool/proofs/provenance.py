"""Where an image comes from, in the words of SLSA's provenance, version 1. Pure.

The fields: https://slsa.dev/spec/v1.0/provenance.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any
from urllib.parse import quote

# As cosign names it.
PROVENANCE = "slsaprovenance1"
_BUILD_TYPE = "urn:deploytool:push:1"


@dataclass(frozen=True, slots=True)
class Build:
    """The run that builds. builder and invocation: URIs; workflow: its file and ref, "" without."""

    repository: str
    commit: str
    builder: str
    workflow: str
    invocation: str


@dataclass(frozen=True, slots=True)
class Material:
    """Something that a build took in. digest: algorithm -> hex."""

    uri: str
    digest: Mapping[str, str]


def build_of(
    repository: str, commit: str, environment: Mapping[str, str], *, host: str, run: str
) -> Build:
    """Return the build that goes on here, by what GitHub says of its job, or by host and run."""
    workflow = environment.get("GITHUB_WORKFLOW_REF", "")
    if not workflow:
        return Build(repository, commit, f"urn:host:{quote(host)}", "", f"urn:run:{quote(run)}")
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    project, run_id, attempt = (
        environment.get(f"GITHUB_{name}", "") for name in ("REPOSITORY", "RUN_ID", "RUN_ATTEMPT")
    )
    invocation = f"{server}/{project}/actions/runs/{run_id}/attempts/{attempt}"
    return Build(repository, commit, f"{server}/{workflow}", workflow, invocation)


def provenance(
    build: Build, image: str, platform: str, materials: Iterable[Material]
) -> dict[str, Any]:
    """Return the predicate about an image, NAME:TAG, whose tag stands for its content."""
    sources = Material(f"git+{build.repository}@{build.commit}", {"gitCommit": build.commit})
    parameters = {"image": image, "platform": platform}
    if build.workflow:
        parameters["workflow"] = build.workflow
    return {
        "buildDefinition": {
            "buildType": _BUILD_TYPE,
            "externalParameters": parameters,
            "resolvedDependencies": [
                {"uri": each.uri, "digest": dict(each.digest)} for each in (sources, *materials)
            ],
        },
        "runDetails": {
            "builder": {"id": build.builder},
            "metadata": {"invocationId": build.invocation},
        },
    }


def lock_materials(build: Build, locks: Mapping[str, str]) -> list[Material]:
    """Return the locks, path in the repository -> SHA-256, as materials."""
    place = f"git+{build.repository}@{build.commit}"
    return [Material(f"{place}#{quote(path)}", {"sha256": sha}) for path, sha in locks.items()]


def debian_materials(notes: Iterable[bytes]) -> list[Material]:
    """Return the Debian packages that an image notes in `var/lib/dpkg/status.d`, as materials.

    Each with the hash of its file, where the note says it.
    """
    packages = [BytesParser().parsebytes(note, headersonly=True) for note in notes]
    return [
        Material(
            f"pkg:deb/debian/{each['Package']}@{quote(each['Version'], safe='~')}"
            f"?arch={each['Architecture']}",
            {"sha256": each["SHA256"]} if each["SHA256"] else {},
        )
        for each in packages
        if each["Package"] and each["Version"]
    ]
