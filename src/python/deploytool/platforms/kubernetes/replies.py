"""What an API server answers, and in which words it is told that it refused or was away."""

import json
from dataclasses import dataclass

from deploytool.errors import PlatformFailed
from deploytool.platforms.kubernetes.objects import Object

NOT_FOUND, CONFLICT, FAILURE = 404, 409, 400
# An instance of it that has just started refuses everything for a moment.
_UNKNOWN, _FORBIDDEN = 401, 403
DENIED = frozenset({_UNKNOWN, _FORBIDDEN})
_PASSING = frozenset({429, 500, 502, 503, 504})
# What it says when it is there and no right lacks: what it asks about an object says no, or fails.
_REFUSES = (
    "failed calling webhook",
    "admission webhook",
    "exceeded quota",
    "is being terminated",
    "violates PodSecurity",
)


class Away(PlatformFailed):
    """The server does not answer, though it was waited for."""


class Conflict(PlatformFailed):
    """Somebody else set a field to another value; `why` names the owner and the field."""


class Refused(PlatformFailed):
    """The server does not take an object as it is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the server. code: HTTP status, 0 for none."""

    code: int
    body: bytes

    @property
    def object(self) -> Object:
        """The body as an object; {} when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return dict(found) if isinstance(found, dict) else {}

    @property
    def words(self) -> str:
        """What the server says about a failure."""
        said = self.object.get("message") or self.body[:300].decode(errors="replace")
        return " ".join(str(said).split()) or f"HTTP {self.code}"

    @property
    def is_status(self) -> bool:
        """Whether the server tells of a failure in words of its own, not in those of a pod."""
        kind = self.object.get("apiVersion"), self.object.get("kind")
        return self.code >= FAILURE and kind == ("v1", "Status")

    @property
    def is_refusal(self) -> bool:
        """Whether the object is what the server does not take, whatever the code says."""
        return self.is_status and any(each in self.words for each in _REFUSES)

    @property
    def is_passing(self) -> bool:
        """Whether the server is away, or may have another answer in a moment."""
        return self.code == 0 or (self.code in _PASSING and not self.is_refusal)


def failure(method: str, about: str, reply: Reply, context: str | None) -> PlatformFailed:
    """Return what a reply means that is none that was wanted. about: what was asked for."""
    if reply.is_passing:
        return Away(
            f"the API server {f'of {context} ' if context else ''}does not answer",
            why=reply.words,
            hint="see that it runs and that KUBECONFIG names it, then repeat the command",
        )
    if reply.code == _UNKNOWN:
        return PlatformFailed(
            "the cluster does not know who asks",
            why=reply.words,
            hint="the login may have run out: renew it in the kubeconfig, then repeat the command",
        )
    if reply.code == _FORBIDDEN and not reply.is_refusal:
        return PlatformFailed(
            f"the cluster does not allow {method} of {about}",
            why=reply.words,
            hint="have an administrator grant it: deploy/kubernetes/deploytool-role.yaml holds all "
            "that is needed",
        )
    if reply.code == CONFLICT:
        return Conflict(
            f"{about} has another owner",
            why=reply.words,
            hint="undo the change there, or make it in the manifests as well",
        )
    return Refused(
        f"the cluster refused {about}",
        # What is said about the fields of a Secret may quote them.
        why=f"HTTP {reply.code}"
        if about.startswith("Secret/") and not reply.is_refusal
        else reply.words,
        hint="correct the cause named, then repeat the command",
    )


def words(error: Exception) -> str:
    """Return what to say of a request that got no answer."""
    return f"{type(error).__name__}: {error}"
