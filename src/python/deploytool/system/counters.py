"""What a service counts of its own requests, by the names under which it tells it."""

from typing import Annotated

from pydantic import Field

from deploytool.system.declared import Declared, UrlPath

MetricName = Annotated[str, Field(pattern=r"^[a-zA-Z_:][\w:]*$")]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_]\w*$")]


class Counters(Declared):
    """Needed where no router tells a canary's requests from stable's."""

    # Where each process shows its counters as Prometheus text.
    path: UrlPath = "/metrics"
    # The counter of answers, and its label that holds the HTTP status code.
    requests: MetricName
    status: LabelName
    # The histogram of the seconds that the same requests took.
    durations: MetricName
    # Label -> values of it: what the platform asks for, probes for example, is no visitor's.
    without: dict[LabelName, tuple[str, ...]] = Field(default_factory=dict)
