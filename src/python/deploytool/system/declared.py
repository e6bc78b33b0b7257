"""What all declared things have in common: strict models, and the forms of names and values."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
UrlPath = Annotated[str, Field(pattern=r"^/[^\s]*$")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]

REFERENCE = re.compile(r"\$\{([^{}]+)\}")


class Declared(BaseModel):
    """Base of all declared things: nothing unknown is accepted, nothing changes afterwards."""

    # Here and in what is kept: a command needs few of all models, and to make their validators took
    # a seventh of the start of each.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def references(value: Any) -> set[str]:
    """Return the names used as ${NAME} in all texts of a value."""
    if isinstance(value, str):
        return set(REFERENCE.findall(value))
    if isinstance(value, dict):
        return references(list(value.values()))
    if isinstance(value, list):
        return {name for item in value for name in references(item)}
    return set()
