"""hadolint in the goal lint, over Dockerfiles; Pants' own would fetch it from a release page."""
