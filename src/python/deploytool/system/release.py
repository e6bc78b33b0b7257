"""A release: what was built of every component, by name of its image and content.

A file of it can be promoted from target to target: it says what to run, and a digest is no tag that
somebody may move.
"""

from pydantic import Field

from deploytool.system.declared import Declared, Name


class ReleasedImage(Declared):
    """One image in a registry."""

    # REGISTRY/NAME@sha256:DIGEST
    image: str = Field(pattern=r"^\S+@sha256:[0-9a-f]{64}$")
    # The tag that stands for its content, as it was built.
    tag: str


class Release(Declared):
    """What was built of a system."""

    system: Name
    # By name of the component, or of another service that comes with it.
    images: dict[Name, ReleasedImage]
