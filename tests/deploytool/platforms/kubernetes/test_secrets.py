"""The Secrets of a database: made once, hidden by whoever shows what others wrote."""

import base64

import pytest

from deploytool.errors import PlatformFailed
from deploytool.platforms.kubernetes.objects import Key, Object
from deploytool.platforms.kubernetes.secrets import ClusterSecrets
from deploytool.record.masking import MASK
from tests.deploytool.platforms.kubernetes.memory import Memory

PLACE = "db:5432/shop?sslmode=disable"


class Server(Memory):
    """Keeps texts in base64, as the API server does with those of a Secret."""

    def get(self, key: Key) -> Object | None:
        found = super().get(key)
        if found and "stringData" in found:
            texts = found.pop("stringData")
            found["data"] = {n: base64.b64encode(t.encode()).decode() for n, t in texts.items()}
        return found


def secrets(cluster: Memory) -> tuple[ClusterSecrets, list[str]]:
    told: list[str] = []
    return ClusterSecrets(cluster, "db", ["cart"], told.append), told


def test_each_role_and_the_migrations_have_a_secret_that_stays() -> None:
    cluster = Server()
    made, told = secrets(cluster)
    assert made.names() == ["db", "db-cart", "db-migrations"]
    assert not made.exist()
    made.make(PLACE)
    assert made.exist()
    first = dict(cluster.objects)
    secrets(cluster)[0].make(PLACE)
    assert cluster.objects == first
    assert {made.value("owner"), made.value("cart")} < set(told)


def test_a_secret_is_known_though_the_answer_to_its_creation_was_lost() -> None:
    cluster = Server()
    cluster.loses_answers = True
    made, told = secrets(cluster)
    made.make(PLACE)
    assert len(cluster.objects) == len(made.names())
    assert set(told) > {secrets(cluster)[0].value(role) for role in ("owner", "cart")}


def test_what_is_there_without_its_key_is_not_changed() -> None:
    cluster = Server()
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db-cart"}})
    with pytest.raises(PlatformFailed, match="Secret/db-cart has no key 'password'"):
        secrets(cluster)[0].make(PLACE)


def test_who_only_looks_hides_what_others_have_made_and_tells_the_record() -> None:
    cluster = Server()
    made, _ = secrets(cluster)
    made.make(PLACE)
    looking, told = secrets(cluster)
    url = f"DATABASE_URL=postgres://owner:{made.value('owner')}@{PLACE}"
    assert looking.mask(f"I am cart: {made.value('cart')}") == f"I am cart: {MASK}"
    assert looking.mask(url) == MASK
    assert told == [made.value("owner"), made.value("cart"), url]


def test_without_secrets_nothing_is_hidden_until_they_are_made() -> None:
    made, _ = secrets(Server())
    assert made.mask("well") == "well"
    made.make(PLACE)
    assert made.mask(made.value("owner")) == MASK


def test_who_looks_before_they_are_made_hides_them_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Server()
    looking, _ = secrets(cluster)
    assert looking.mask("well") == "well"
    made, _ = secrets(cluster)
    made.make(PLACE)
    monkeypatch.setattr("deploytool.platforms.kubernetes.secrets._LOOK_S", 0)
    assert looking.mask(made.value("cart")) == MASK


def test_what_is_not_there_is_not_looked_for_with_every_line() -> None:
    class Counting(Server):
        looks = 0

        def get(self, key: Key) -> Object | None:
            self.looks += 1
            return super().get(key)

    cluster = Counting()
    looking, _ = secrets(cluster)
    for _ in range(1000):
        looking.mask("well")
    assert cluster.looks < 100


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_made_by_hand_is_what_stands_before_its_line_end(end: str) -> None:
    cluster = Server()
    by_hand: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}}
    cluster.create({**by_hand, "stringData": {"password": f"a/b@c {end}"}})
    made, _ = secrets(cluster)
    made.make(PLACE)
    assert made.value("owner") == "a/b@c "
    migrations = cluster.objects[Key("v1", "Secret", "shop", "db-migrations")]
    url = f"postgres://owner:a%2Fb%40c%20@{PLACE}"
    assert migrations["stringData"]["dotenv"] == f"DATABASE_URL={url}\n"
