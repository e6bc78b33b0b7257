"""The gateway's pods: what they counted, and where visitors reach them."""

from collections.abc import Mapping

from deploytool.canary.observation import Snapshot
from deploytool.canary.weights import load_ratio
from deploytool.errors import PlatformFailed
from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import Key
from deploytool.platforms.kubernetes.scraping import Counted, Source, Wanted
from deploytool.traffic.gateway_counters import GatewayCounters
from deploytool.traffic.metrics import GATEWAY_METRICS, read_gateway
from deploytool.traffic.traefik_file import Arm

_METRICS = "/metrics"
_HTTP_PORT = 80


class ClusterGateway:
    """The router of one target. url: where visitors reach it; None to ask its Service."""

    def __init__(
        self,
        component: str,
        cluster: Cluster,
        inspection: Inspection,
        source: Source,
        url: str | None,
        metrics_port: int,
    ) -> None:
        self.component = component
        self._cluster = cluster
        self._inspection = inspection
        self._source = source
        self._url = url
        self._wanted = Wanted(metrics_port, _METRICS, GATEWAY_METRICS)
        self._counters: dict[str, GatewayCounters] = {}

    def observe(
        self,
        component: str,
        services: Mapping[Arm, str],
        rules: int,
        percent: int,
        share: float | None = None,
    ) -> Snapshot:
        """Return both arms' counters, summed over all pods there were. Raises PlatformFailed.

        services: the name of each arm's Service. rules: see read_gateway. percent: the share that
        the canary is given. share: the same as every request is to meet it, None without one; it is
        left out where counters lag: nobody knows what was set when they were taken.
        """
        counted = self._counters.setdefault(component, GatewayCounters())
        found = self._counted()
        read = {
            each.process: read_gateway(each.text, self._cluster.namespace, services, rules)
            for each in found.told
        }
        serving = {role: len(self._inspection.ready_pods(component, role)) for role in Role}
        empty = {role.arm for role, pods in serving.items() if not pods}
        load = load_ratio(percent, serving[Role.STABLE], serving[Role.CANARY])
        try:
            snapshot = counted.snapshot(read, empty, found.taken)
            of_now = share if found.taken.is_now else None
            return snapshot.model_copy(update={"load_ratio": load, "share": of_now})
        except ValueError as error:
            raise PlatformFailed(
                f"the pods of {self.component} do not count alike",
                why=str(error),
                hint="wait until all of them are of one template",
            ) from error

    def url(self) -> str:
        """Return the base URL for visitors. Raises PlatformFailed when the Service names none."""
        if self._url is None:
            self._url = self._published()
        return self._url

    def _counted(self) -> Counted:
        pods = self._inspection.ready_pods(self.component)
        if not pods:
            raise PlatformFailed(
                "the router does not answer",
                why=f"no pod of {self.component} is ready",
                hint="see `deploytool status`",
            )
        return self._source.read(pods, self._wanted, lambda _: True)

    def _published(self) -> str:
        key = Key("v1", "Service", self._cluster.namespace, self.component)
        service = self._cluster.get(key)
        if service is None:
            return "http://not-deployed.invalid"
        port = service["spec"]["ports"][0]
        balancer = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        if balancer:
            host = balancer[0].get("hostname") or balancer[0]["ip"]
            return f"http://{host}" + ("" if port["port"] == _HTTP_PORT else f":{port['port']}")
        if node_port := port.get("nodePort"):
            return f"http://{self._node()}:{node_port}"
        raise PlatformFailed(
            f"where visitors reach {self.component} is not known",
            why=f"Service/{self.component} is neither of type NodePort nor LoadBalancer",
            hint="name it in targets.yaml: `gateway_url: https://...`",
        )

    def _node(self) -> str:
        for node in self._cluster.list("v1", "Node"):
            for address in node["status"]["addresses"]:
                if address["type"] == "InternalIP":
                    return str(address["address"])
        raise PlatformFailed(
            "no node has an address", why="none is of type InternalIP", hint="name `gateway_url`"
        )
