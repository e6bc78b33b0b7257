"""The passwords of the database as Secrets: made at the first deployment, never applied again."""

import base64
import math
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

from deploytool.errors import PlatformFailed
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import COMPONENT, Key, Object
from deploytool.platforms.postgresql import OWNER
from deploytool.record.masking import Masking

_BYTES = 24
# The key that holds a role's password, and the one that holds dbmate's settings.
_PASSWORD, _DOTENV = "password", "dotenv"
_MIGRATIONS = "migrations"
# How often is looked for those that were not there yet: each line that is shown asks for it.
_LOOK_S = 1.0


class ClusterSecrets:
    """The Secrets of one database. on_secret: is told each value as soon as it is known.

    roles: of the database, beside its owner.
    """

    def __init__(
        self,
        cluster: Cluster,
        component: str,
        roles: Sequence[str],
        on_secret: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._component = component
        self._roles = (OWNER, *roles)
        self._on_secret = on_secret
        self._masking = Masking()
        self._values: dict[str, str] = {}
        self._learning = threading.Lock()
        self._has_all = False
        self._looked = -math.inf

    def names(self) -> list[str]:
        """Return the name of every Secret."""
        return [self._name(role) for role in (*self._roles, _MIGRATIONS)]

    def make(self, place: str) -> None:
        """Make those that are missing. place: HOST:PORT/DATABASE?OPTIONS, for migrations."""
        for role in self._roles:
            self._require(role, _PASSWORD, secrets.token_urlsafe(_BYTES))
        # One made by hand may hold anything.
        url = f"postgres://{OWNER}:{quote(self.value(OWNER), safe='')}@{place}"
        self._require(_MIGRATIONS, _DOTENV, f"DATABASE_URL={url}\n")

    def exist(self) -> bool:
        """Tell whether the owner's password is there."""
        return self._read(OWNER, _PASSWORD) is not None

    def value(self, role: str) -> str:
        """Return a role's password, "" when it has none."""
        return self._values.get(role) or self._read(role, _PASSWORD) or ""

    def mask(self, text: str) -> str:
        """Return the text with every secret replaced. May be called from several threads."""
        with self._learning:
            if not self._has_all and time.monotonic() - self._looked > _LOOK_S:
                self._learn_all()
        return self._masking.mask(text)

    def _learn_all(self) -> None:
        """Learn those that others have made: whoever only looks has made none of them."""
        found = [self._read(role, _PASSWORD) for role in self._roles]
        found.append(self._read(_MIGRATIONS, _DOTENV))
        self._has_all = None not in found
        self._looked = time.monotonic()

    def _require(self, role: str, key: str, value: str) -> None:
        if self._read(role, key) is not None:
            return
        item: Object = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._name(role), "labels": {COMPONENT: self._component}},
            "stringData": {key: value},
        }
        if self._cluster.create(item) is not None:
            self._learn(role, value)
        # It was made meanwhile, perhaps by a request of this one's whose answer was lost.
        elif self._read(role, key) is None:
            raise PlatformFailed(
                f"Secret/{self._name(role)} has no key {key!r}",
                why="it is there already, and what is there is never changed",
                hint="add the key, or delete the Secret and repeat the command",
            )

    def _read(self, role: str, key: str) -> str | None:
        found = self._cluster.get(self._key(role))
        encoded = ((found or {}).get("data") or {}).get(key)
        if encoded is None:
            return None
        # One made by hand may end in a line end, which the apps leave out, too.
        value = base64.b64decode(encoded).decode().rstrip("\r\n")
        self._learn(role, value)
        return value

    def _learn(self, role: str, value: str) -> None:
        self._values[role] = value
        self._masking.add(value.strip())
        self._on_secret(value.strip())

    def _key(self, role: str) -> Key:
        return Key("v1", "Secret", self._cluster.namespace, self._name(role))

    def _name(self, role: str) -> str:
        # The name of a Secret has no underscore.
        suffix = "" if role == OWNER else f"-{role.replace('_', '-')}"
        return self._component + suffix
