"""Events: what an operation did, as plain data that log, terminal and JSON output all render."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    event: kebab-case kind (command-started, command-ended, transition, observation, verdict,
    started, stopped, weight-set, waiting, ready, migrated, ...). object: what it happened to, for
    example "new-microservice canary 3f2a". action: what was done, a verb. result: ok, failed, or
    the new phase or decision. reason: a sentence. duration_s: seconds the action took. details:
    counts and figures; never a secret.
    """

    event: str
    object: str = ""
    action: str = ""
    result: str = ""
    reason: str = ""
    duration_s: float | None = None
    details: Mapping[str, JsonValue] = field(default_factory=dict)
    # A view model for the terminal, not recorded (for example the figures of a running canary).
    view: Any = None


Listener = Callable[[Event], None]
