"""Walking the API: every address that can be read, with the ids that its own lists give."""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import httpx
from sextant_instance import Instance

PAGES, IDS = 60, 12
STREAMS = {"stream_events", "stream_source_health"}
# Where the ids of a path parameter are found: the list that has them.
LISTS = {
    "source_id": "/sources", "scan_id": "/scans", "workflow_id": "/workflows", "asset_id": "/assets",
    "label_id": "/labels", "finding_id": "/findings", "token_id": "/tokens", "key": "/frameworks", "name": "/rule-sets",
}  # fmt: skip
ASKED = {"q": "customers", "query": "customers", "text": "customers"}


class Walk:
    """Reads everything once; `answers` yields (address, answer)."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.client = httpx.Client(
            base_url=f"{instance.url}/api/v1", headers={"Authorization": f"Bearer {instance.token}"}, timeout=60
        )
        document = self.client.get("/openapi.json").json()
        self.paths = {
            path.removeprefix("/api/v1"): item["get"]
            for path, item in sorted(document["paths"].items())
            if "get" in item and item["get"]["operationId"] not in STREAMS
        }
        self.ids: dict[str, list[str]] = {}

    def answers(self) -> Iterator[tuple[str, httpx.Response]]:
        for path, operation in self.paths.items():
            names = re.findall(r"{(\w+)}", path)
            for values in itertools.islice(itertools.product(*(self._ids(name) for name in names)), IDS):
                address = path.format(**dict(zip(names, values, strict=True)))
                yield from self._read(address, operation)

    def _read(self, address: str, operation: dict[str, Any]) -> Iterator[tuple[str, httpx.Response]]:
        known = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"}
        given: dict[str, Any] = {"limit": known["limit"]["schema"].get("maximum", 100)} if "limit" in known else {}
        for name, parameter in known.items():
            if parameter.get("required"):
                columns = self._columns(address)
                for value in columns if name == "column" else [ASKED.get(name, self._framework())]:
                    yield from self._pages(address, given | {name: value})
                return
        yield from self._pages(address, given)

    def _pages(self, address: str, given: dict[str, Any]) -> Iterator[tuple[str, httpx.Response]]:
        after = None
        for _ in range(PAGES):
            answer = self.client.get(address, params=given | ({"after": after} if after else {}))
            yield address, answer
            body = answer.json() if answer.headers["content-type"].endswith("json") else None
            following = body.get("next") if isinstance(body, dict) else None
            if not following or following == after or not body["items"]:
                return
            after = following

    def _ids(self, name: str) -> list[str]:
        if name == "code":
            return ["not-found", "internal"]
        if name not in self.ids:
            found = self._items(LISTS[name]) if name in LISTS else []
            key = name if name in {"key", "name"} else "id"
            self.ids[name] = [item[key] for item in found]
            if name in {"test_id", "discovery_id"}:
                table = {"test_id": "connection_test", "discovery_id": "discovery"}[name]
                self.ids[name] = [row[0] for row in self.instance.rows(f"SELECT id FROM sources.{table} LIMIT 20")]
        # Ends and middle of a long list rather than its beginning only.
        step = max(1, len(self.ids[name]) // IDS)
        return self.ids[name][::step]

    def _items(self, address: str) -> list[dict[str, Any]]:
        pages = (answer.json() for _, answer in self._read(address, self.paths[address]))
        return [item for page in pages for item in page["items"]]

    def _columns(self, address: str) -> list[str]:
        found = re.match(r"/assets/([^/]+)/", address)
        if not found:
            return []
        return [column["name"] for column in self.client.get(f"/assets/{found[1]}").json()["column_list"]]

    def _framework(self) -> str:
        return self._ids("key")[0]


def statuses(answers: list[tuple[str, httpx.Response]]) -> dict[int, set[str]]:
    """The addresses by the status they answered with."""
    found: dict[int, set[str]] = defaultdict(set)
    for address, answer in answers:
        found[answer.status_code].add(address)
    return found
