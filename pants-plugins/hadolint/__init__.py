"""hadolint in the goal lint, over the Dockerfiles; Pants' own would fetch it from a release page."""
