"""The checks of manifests. Another one is a function more in this table."""

from collections.abc import Callable, Iterable, Sequence

from deploytool.manifests.finding import Finding
from deploytool.manifests.identity import check_identity
from deploytool.manifests.rendering import Rendering
from deploytool.manifests.schema import check_schema

Check = Callable[[Rendering], Iterable[Finding]]

CHECKS: Sequence[Check] = (check_identity, check_schema)


def run_checks(rendering: Rendering) -> list[Finding]:
    """Return what all checks find. Raises InvalidInput for too old a Kubernetes."""
    return [finding for check in CHECKS for finding in check(rendering)]
