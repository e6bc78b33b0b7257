"""The `deployment` target type and its fields."""

from __future__ import annotations

from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AsyncFieldMixin,
    Dependencies,
    DictStringToStringSequenceField,
    NestedDictStringToStringField,
    StringField,
    Target,
)


class DeploymentToolField(StringField, AsyncFieldMixin):
    """The deploy tool."""

    alias = "tool"
    required = True
    value: str
    help = "Address of the runnable target (a pex_binary) that deploys."


class DeploymentPackagesField(NestedDictStringToStringField, AsyncFieldMixin):
    """What each place to deploy to is built from."""

    alias = "packages"
    help = (
        "Addresses of packages, by name of the deploy target and then by name of the component, "
        'as in `{"local": {"shop": "src/python/shop:shop"}}`.'
    )


class DeploymentConfigurationField(DictStringToStringSequenceField, AsyncFieldMixin):
    """The files that the tool reads about each place to deploy to."""

    alias = "configuration"
    help = (
        "Addresses of the files that say how each place is deployed to, by name of the deploy "
        'target, as in `{"local": ["deploy:declaration"]}`. The tool reads them where they are: '
        "they are named here so that their change is a change of the deployment."
    )


class DeploymentProgramsField(NestedDictStringToStringField, AsyncFieldMixin):
    """The programs that some commands of the tool start beside it."""

    alias = "programs"
    help = (
        "Addresses of packages of programs, by name of the tool's command that starts them and "
        'then by name of the program, as in `{"push": {"syft": "3rdparty/python:syft"}}`. They are '
        "built for that command alone, and are no part of what is deployed."
    )


class DeploymentDependenciesField(Dependencies):
    """Inferred from `tool`, `packages` and `configuration`."""


class DeploymentTarget(Target):
    """A deploy tool together with the packages it deploys."""

    alias = "deployment"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        DeploymentToolField,
        DeploymentPackagesField,
        DeploymentConfigurationField,
        DeploymentProgramsField,
        DeploymentDependenciesField,
    )
    help = (
        "A deploy tool together with the packages it deploys.\n\n"
        "`run` builds the packages of the deploy target that the arguments after `--` name with "
        "`--target NAME` (without it: `local`), no images where they name a release with "
        "`--release FILE`, and starts the tool with their paths in the "
        "environment variable DEPLOYTOOL_ARTIFACTS, a JSON object of component name to path; those "
        "of programs are in DEPLOYTOOL_PROGRAMS. The paths are valid only as long as the tool runs."
    )
