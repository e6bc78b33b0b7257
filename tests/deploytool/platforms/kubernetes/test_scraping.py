"""Whose counters they are: those of one process of a pod, until it is started again."""

from deploytool.platforms.kubernetes.objects import Object
from deploytool.platforms.kubernetes.scraping import process_of


def pod(**started: str) -> Object:
    """Return a pod whose own container is `web`. started: container -> id of its process."""
    statuses = [{"name": name, "containerID": each} for name, each in started.items()]
    return {
        "metadata": {"name": "web-1"},
        "spec": {"containers": [{"name": "web"}, {"name": "proxy"}]},
        "status": {"containerStatuses": statuses},
    }


def test_what_stands_beside_a_container_may_be_started_again() -> None:
    assert process_of(pod(proxy="a", web="b")) == process_of(pod(proxy="c", web="b"))
    assert process_of(pod(proxy="a", web="b")) != process_of(pod(proxy="a", web="d"))


def test_one_that_has_not_started_has_a_name_too() -> None:
    assert process_of({**pod(), "status": {}}) == process_of(pod(proxy="a"))
