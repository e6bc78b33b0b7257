"""The `debian_rootfs` target type and its fields."""

from __future__ import annotations

from pants.core.goals.package import OutputPathField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    DictStringToStringField,
    StringField,
    StringSequenceField,
    Target,
)


class SuiteField(StringField):
    """Which Debian."""

    alias = "suite"
    required = True
    value: str
    help = "Codename of the Debian release, as in the machine's own apt sources: `bookworm`."


class AsOfField(StringField):
    """When the packages were last renewed."""

    alias = "as_of"
    required = True
    value: str
    help = (
        "Date, as in `2026-11-25`. It is the time of every file in the tree, and a new one makes "
        "Pants ask the mirror for the packages again."
    )


class PackagesField(StringSequenceField):
    """What is in the tree."""

    alias = "packages"
    required = True
    value: tuple[str, ...]
    help = "Names of Debian packages. Exactly these are unpacked: no dependencies, no scripts run."


class ExcludeField(StringSequenceField):
    """What of the packages is left out."""

    alias = "exclude"
    help = (
        "Patterns of paths that are left out, as in `usr/lib/*/gconv`; a folder goes with all "
        "that is in it. Documentation goes without saying, copyright files stay."
    )


class KeepField(StringSequenceField):
    """What of the packages stays, where that is the shorter list."""

    alias = "keep"
    help = "Patterns as in `exclude`; when given, nothing else of the packages stays."


class FilesField(DictStringToStringField):
    """What no package brings."""

    alias = "files"
    help = "Content by path of files to add."


class DirectoriesField(DictStringToStringField):
    """Folders that must be writable for somebody."""

    alias = "directories"
    help = 'Folders to add, as in `{"tmp": "1777 0:0"}`: mode, and owner by number.'


class BytecodeField(StringField):
    """Where a standard library is to be compiled."""

    alias = "bytecode"
    help = (
        "Folder of a Python standard library in the tree that is compiled by the interpreter of "
        "the same name in `usr/bin`, as in `usr/lib/python3.11`."
    )


class DebianRootfsTarget(Target):
    """A root file system of chosen Debian packages."""

    alias = "debian_rootfs"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        OutputPathField,
        SuiteField,
        AsOfField,
        PackagesField,
        ExcludeField,
        KeepField,
        FilesField,
        DirectoriesField,
        BytecodeField,
    )
    help = (
        "A root file system of chosen Debian packages, as a tar archive that an image adds: "
        "`ADD path.to/name.tar /`.\n\n"
        "The packages come from the machine's own apt sources, checked as apt does. The same "
        "packages give the same archive to the bit; scanners find the versions in "
        "`var/lib/dpkg/status.d`."
    )
