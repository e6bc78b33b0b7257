"""The `pyinstaller_binary` target type and its fields."""

from __future__ import annotations

from enum import Enum

from pants.backend.python.target_types import EntryPoint, EntryPointField, PythonResolveField
from pants.core.goals.package import OutputPathField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    BoolField,
    Dependencies,
    StringField,
    StringSequenceField,
    Target,
)


class PyInstallerEntryPointField(EntryPointField):
    """Where the application starts. Not a PexEntryPointField: Pants would make a PEX of it too."""

    required = True
    value: EntryPoint
    help = (
        "What the binary runs: a module, as in `shop.main`, or a function without arguments, as in "
        "`shop.main:main`. In place of the module the name of a file beside the BUILD file may "
        "stand, as in `main.py:main`. What the function returns is the exit code, as for a console "
        "script; a module alone is run as by `python -m`."
    )


class PyInstallerMode(Enum):
    """The two shapes of PyInstaller's output."""

    ONEDIR = "onedir"
    ONEFILE = "onefile"


class PyInstallerModeField(StringField):
    """The shape of the output."""

    alias = "mode"
    default = PyInstallerMode.ONEDIR.value
    valid_choices = PyInstallerMode
    value: str
    help = (
        "`onedir`: a folder with its libraries and the program, which is named as the folder is. "
        "`onefile`: a single program, which at each start unpacks itself into /tmp; so it starts "
        "later, uses more memory and cannot start where /tmp is read-only or noexec."
    )


class PyInstallerHiddenImportsField(StringSequenceField):
    """What PyInstaller's analysis cannot see."""

    alias = "hidden_imports"
    help = "Modules that the application imports by a name that it only makes up when it runs."


class PyInstallerExcludedImportsField(StringSequenceField):
    """What PyInstaller's analysis sees, but the application does without."""

    alias = "excluded_imports"
    help = (
        "Modules to leave out although something imports them: those of features that the "
        "application does not use. An import of one fails as if it were not installed."
    )


class PyInstallerStripField(BoolField):
    """Smaller or debuggable."""

    alias = "strip"
    default = False
    help = (
        "Whether the shared libraries lose their symbols and debugging information. They become "
        "several times smaller; a native debugger sees no names in them any more."
    )


class PyInstallerDependenciesField(Dependencies):
    """The owner of the entry point is inferred."""

    supports_transitive_excludes = True


class PyInstallerBinary(Target):
    """An application with its Python and its libraries."""

    alias = "pyinstaller_binary"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        OutputPathField,
        PyInstallerDependenciesField,
        PyInstallerEntryPointField,
        PyInstallerExcludedImportsField,
        PyInstallerHiddenImportsField,
        PyInstallerModeField,
        PyInstallerStripField,
        PythonResolveField,
    )
    help = (
        "An application with its Python and its libraries, made by PyInstaller; it needs the glibc "
        "of the machine that built it, or a newer one.\n\n"
        "It holds what the entry point imports, all `resources` it depends on, and the metadata of "
        "each distribution of which something is in it. The same sources, locks, Python and "
        "binutils give the same bits."
    )
