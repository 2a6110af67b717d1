"""Figures of one replica for Prometheus: its process and the requests that it answered."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Measures:
    """A registry of its own, so that two applications in one process do not meet."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(namespace="sextant", registry=self._registry)
        self._requests = Counter(
            "sextant_http_requests", "Requests answered by this replica.", ["method", "route", "status"],
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "sextant_http_request_seconds", "Time to the end of the response.", ["method", "route"],
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._counts = Gauge("sextant_entities", "Entities in the store.", ["entity"], registry=self._registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request; `route` is the template, never the path, so that the series stay bounded."""
        known = method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def exposition(self, counts: dict[str, int]) -> bytes:
        """The text of the Prometheus exposition format 0.0.4, with these counts of entities."""
        for entity, count in counts.items():
            self._counts.labels(entity).set(count)
        return generate_latest(self._registry)
