"""The `kubernetes_manifests` target type and its fields."""

from __future__ import annotations

from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    MultipleSourcesField,
    Target,
    generate_multiple_sources_field_help_message,
)


class KubernetesManifestsDependenciesField(Dependencies):
    """Files that the check needs beside the manifests."""


class KubernetesManifestsSourcesField(MultipleSourcesField):
    """The manifests, and whatever else lies in the folder and is needed to render them."""

    default = ("**/*.yaml",)
    uses_source_roots = False
    help = generate_multiple_sources_field_help_message(
        "Example: `sources=['**/*.yaml', 'settings/*.properties']`"
    )


class KubernetesManifestsTarget(Target):
    """A folder of Kubernetes manifests, plain or of kustomize."""

    alias = "kubernetes_manifests"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        KubernetesManifestsDependenciesField,
        KubernetesManifestsSourcesField,
    )
    help = (
        "A folder of Kubernetes manifests, plain or of kustomize.\n\n"
        "`lint` checks all of the folder together. For what depends on it, these are files, as if "
        "they belonged to a `files` target."
    )
