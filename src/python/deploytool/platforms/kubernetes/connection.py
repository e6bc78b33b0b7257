"""A connection to a cluster, with the credentials of a kubeconfig."""

import os
from typing import Any

import kubernetes.config
import yaml
from kubernetes.client.configuration import Configuration
from kubernetes.config.config_exception import ConfigException

from deploytool.errors import InvalidInput

_DEFAULT = "~/.kube/config"
# What the library raises of a file that is something else: it does not look whether it is.
_SHAPE = (TypeError, AttributeError, ValueError)


def connect(context: str | None) -> Any:
    """Return the library's client. context: None for the current one. Raises InvalidInput."""
    configuration = Configuration()
    configuration.connection_pool_maxsize = 16
    try:
        return kubernetes.config.new_client_from_config(  # type: ignore[no-untyped-call]
            # Said, as the library looks into the environment only when it is imported, and takes
            # an empty value for a place.
            config_file=os.environ.get("KUBECONFIG") or _DEFAULT,
            context=context,
            persist_config=False,
            client_configuration=configuration,
        )
    except (ConfigException, yaml.YAMLError, OSError, *_SHAPE) as error:
        raise InvalidInput(
            f"there is no cluster to deploy to{f': context {context!r}' if context else ''}",
            why=" ".join(str(error).split()) or type(error).__name__,
            hint="name a kubeconfig in KUBECONFIG, and its context in targets.yaml",
        ) from error
