"""The rule that packages a `debian_rootfs`: it hands the fields to build.py as JSON."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from typing import Iterable

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    OutputPathField,
    PackageFieldSet,
)
from pants.core.util_rules.system_binaries import SEARCH_PATHS, BinaryPathRequest, BinaryPaths
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.unions import UnionRule

from debian_rootfs.target_types import (
    AsOfField,
    BytecodeField,
    DirectoriesField,
    ExcludeField,
    FilesField,
    KeepField,
    PackagesField,
    SuiteField,
)


@dataclass(frozen=True)
class DebianRootfsFieldSet(PackageFieldSet):
    """What `package` needs of a tree."""

    required_fields = (SuiteField, AsOfField, PackagesField)

    output_path: OutputPathField
    suite: SuiteField
    as_of: AsOfField
    packages: PackagesField
    exclude: ExcludeField
    keep: KeepField
    files: FilesField
    directories: DirectoriesField
    bytecode: BytecodeField


@rule(desc="Unpack Debian packages")
async def package_rootfs(field_set: DebianRootfsFieldSet) -> BuiltPackage:
    """Build the archive; Pants runs this again only when a field or build.py changes."""
    wanted = {
        "suite": field_set.suite.value,
        "as_of": field_set.as_of.value,
        "packages": sorted(field_set.packages.value),
        "exclude": list(field_set.exclude.value or ()),
        "keep": list(field_set.keep.value or ()),
        "files": dict(field_set.files.value or {}),
        "directories": dict(field_set.directories.value or {}),
        "bytecode": field_set.bytecode.value,
    }
    output = field_set.output_path.value_or_default(file_ending="tar")
    request = BinaryPathRequest(search_path=SEARCH_PATHS, binary_name="python3")
    program = pkgutil.get_data("debian_rootfs", "build.py")
    assert program is not None
    inputs, pythons = await MultiGet(
        Get(
            Digest,
            CreateDigest(
                [
                    FileContent("build.py", program),
                    FileContent("wanted.json", json.dumps(wanted, sort_keys=True).encode()),
                ]
            ),
        ),
        Get(BinaryPaths, BinaryPathRequest, request),
    )
    python = pythons.first_path_or_raise(request, rationale="unpack Debian packages")
    result = await Get(
        ProcessResult,
        Process(
            (python.path, "build.py", "wanted.json", output),
            input_digest=inputs,
            # Not the user's: what is in the tree must not depend on it.
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
            output_files=(output,),
            description=f"Unpack {len(wanted['packages'])} Debian packages for {field_set.address}",
        ),
    )
    return BuiltPackage(result.output_digest, (BuiltPackageArtifact(output),))


def rules() -> Iterable[Rule | UnionRule]:
    """Return the rules of this module and the union member they serve."""
    return [*collect_rules(), UnionRule(PackageFieldSet, DebianRootfsFieldSet)]
