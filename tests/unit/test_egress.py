"""The proxy that clients of object stores are given: it relays, and lets nobody be led to a refused address."""

import http.server
import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import obstore
import pytest
from obstore.store import S3Store

from cluster.connectors.files.objects import ObjectTree
from cluster.connectors.files.stores import fault
from cluster.errors import AddressRefused
from cluster.security import egress, network

BODY = bytes(range(256)) * 4096


class Site:
    """A web server that counts its requests, and may send its visitors elsewhere."""

    def __init__(self, host: str, elsewhere: str | None = None) -> None:
        self.requests: list[str] = []
        self.connections: set[Any] = set()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.requests.append(f"{self.command} {self.path}")
                site.connections.add(self.client_address)
                self.send_response(302 if elsewhere else 200)
                if elsewhere:
                    self.send_header("Location", f"{elsewhere}/latest/meta-data")
                self.send_header("Content-Length", "0" if elsewhere else str(len(BODY)))
                self.end_headers()
                if not elsewhere and self.command == "GET":
                    self.wfile.write(BODY)

            do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.url = f"http://{host}:{self.server.server_port}"


@contextmanager
def served(*sites: Site) -> Iterator[None]:
    for site in sites:
        threading.Thread(target=site.server.serve_forever, daemon=True).start()
    yield
    for site in sites:
        site.server.shutdown()
        site.server.server_close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> str:
    policy = network.NetworkPolicy(networks=(ipaddress.ip_network("127.0.0.1/32"),))
    monkeypatch.setattr(network, "policy", lambda: policy)
    monkeypatch.setattr(egress, "policy", lambda: policy)
    return egress.egress().url


def store(endpoint: str, proxy: str | None) -> S3Store:
    client: dict[str, Any] = {"allow_http": True} | ({"proxy_url": proxy} if proxy else {})
    return S3Store(
        "b", endpoint=endpoint, access_key_id="a", secret_access_key="b", region="us-east-1", client_options=client,
        retry_config={"max_retries": 0},
    )  # fmt: skip


def test_what_is_allowed_is_relayed_whole_over_connections_that_are_kept(proxy: str) -> None:
    site = Site("127.0.0.1")
    with served(site):
        opened = store(site.url, proxy)
        for _ in range(5):
            assert obstore.get(opened, "k").bytes().to_bytes() == BODY
        assert len(site.connections) < len(site.requests) == 5


def test_a_redirect_to_a_refused_address_is_not_followed(proxy: str) -> None:
    inside = Site("127.0.0.2")
    outside = Site("127.0.0.1", elsewhere=inside.url)
    with served(inside, outside):
        with pytest.raises(obstore.exceptions.BaseError) as caught:
            obstore.get(store(outside.url, proxy), "k").bytes()
        assert outside.requests
        assert not inside.requests
        assert isinstance(fault(caught.value, "k", "s3"), AddressRefused)
        # Without the proxy the client goes where it is sent: this test would see it.
        assert obstore.get(store(outside.url, None), "k").bytes().to_bytes() == BODY


def test_the_connector_of_a_store_with_an_endpoint_goes_through_it(proxy: str) -> None:
    from cluster.connectors.interface import SourceAccess

    inside = Site("127.0.0.2")
    outside = Site("127.0.0.1", elsewhere=inside.url)
    with served(inside, outside):
        access = SourceAccess(source_id="s", url="s3://b", options={"endpoint": outside.url})
        with pytest.raises(AddressRefused):
            ObjectTree(access, {"access_key_id": "a", "secret_access_key": "b"}).reach()
        assert not inside.requests


def test_nobody_else_on_this_machine_can_use_it(proxy: str) -> None:
    site = Site("127.0.0.1")
    address = proxy.rpartition("@")[2]
    with served(site), httpx.Client(proxy=f"http://sextant:wrong@{address}") as client:
        assert client.get(site.url).status_code == 407
        assert not site.requests


def test_a_tunnel_goes_to_allowed_addresses_only(proxy: str) -> None:
    with httpx.Client(proxy=proxy) as client, pytest.raises(httpx.ProxyError, match="403"):
        client.get("https://169.254.169.254/latest/meta-data")
