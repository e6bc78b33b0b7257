"""The options of the plugin, `[pyinstaller]`."""

from __future__ import annotations

from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import PexRequest
from pants.backend.python.util_rules.pex_requirements import PexRequirements, Resolve
from pants.option.option_types import StrOption
from pants.option.subsystem import Subsystem


class PyInstallerNotConfiguredError(Exception):
    """There is no lock to install PyInstaller from."""


class PyInstaller(Subsystem):
    """PyInstaller itself. No PythonToolBase: that changes with most releases of Pants."""

    options_scope = "pyinstaller"
    name = "PyInstaller"
    help = "Packages Python applications with the Python they run on (https://pyinstaller.org)."

    install_from_resolve = StrOption(
        default=None,
        help=(
            "Name of the resolve that PyInstaller is installed from. Its whole lock is installed, "
            "so it should hold nothing else; what it shares with the resolve of an application "
            "must have the same version in both."
        ),
    )

    def pex_request(self, constraints: InterpreterConstraints) -> PexRequest:
        """Return the request for PyInstaller, to run on the Python it will package.

        Raises PyInstallerNotConfiguredError when no resolve is named.
        """
        if not self.install_from_resolve:
            raise PyInstallerNotConfiguredError(
                "a pyinstaller_binary cannot be packaged: pants.toml does not say which resolve "
                "PyInstaller is installed from. Lock the requirement `pyinstaller` in a resolve of "
                "its own and name it as `[pyinstaller] install_from_resolve`."
            )
        return PexRequest(
            output_filename="pyinstaller.pex",
            internal_only=True,
            requirements=PexRequirements(
                from_superset=Resolve(self.install_from_resolve, use_entire_lockfile=True),
                description_of_origin="[pyinstaller].install_from_resolve",
            ),
            interpreter_constraints=constraints,
        )
