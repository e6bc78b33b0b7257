"""Names the callers of a canary that failed meanwhile, as the tool's own traffic saw it."""

from collections.abc import Mapping

from deploytool.system.declaration import Service, System
from deploytool.system.revision import Revision
from deploytool.traffic.load.counts import LoadCounts, listed


def affected_callers(
    system: System, stable: Mapping[str, Revision], component: str, counts: LoadCounts
) -> tuple[str, ...]:
    """Return a sentence for each service that calls the component and gave wrong answers.

    stable: the revision of each service that served meanwhile.
    """
    return tuple(
        _sentence(f"{name} {stable[name].id}", component, stable[name].id, counts)
        for name, service in system.services.items()
        if _calls(service, component) and name in stable
        if counts.wrong_answers(stable[name].id)
    )


def _calls(service: Service, component: str) -> bool:
    return any(reference.partition(".")[0] == component for reference in service.references)


def _sentence(subject: str, component: str, revision: str, counts: LoadCounts) -> str:
    return (
        f"meanwhile {subject} answered {counts.wrong_answers(revision):,} of"
        f" {counts.answers_by_revision[revision]:,} requests not as expected"
        f" ({listed(counts.failures_by_revision[revision])}): it calls {component}"
    )
