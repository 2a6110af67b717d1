"""Looking whether a source is there, as cheaply as its protocol allows: no session, no query, no credential.

PostgreSQL is sent SSLRequest (manual, "SSL Session Encryption"), which it answers with one byte to whoever asks. Other
servers are there if they take a connection. A folder or file is there if it can be looked up.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
import struct
import time
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict

from cluster.connectors.interface import SourceAccess
from cluster.connectors.options import WAREHOUSES
from cluster.connectors.steps import diagnosis_of
from cluster.errors import SextantError, SourceObjectGone, SourceUnreachable
from cluster.security.folders import check_folder
from cluster.security.network import lookup, places_of, policy

SECONDS = 5.0
AT_ONCE = 50
NAMES_SECONDS = 60.0
PORTS = {
    "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "http": 80, "https": 443,
    **{scheme: port for scheme, port in WAREHOUSES.items() if port is not None},
}  # fmt: skip
"""Ports of URLs that name none."""
_VENDORS = {
    "s3": "s3.{region}.amazonaws.com", "gs": "storage.googleapis.com", "bigquery": "bigquery.googleapis.com",
    "snowflake": "{name}.snowflakecomputing.com", "abfs": "{name}.dfs.core.windows.net",
    "abfss": "{name}.dfs.core.windows.net",
}  # fmt: skip
"""The vendors' hosts of sources whose URLs name none."""
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_names: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}


class Target(BaseModel):
    """What is probed of a source: a host and port, or a path of this machine. `speaks` is what it is greeted in."""

    model_config = ConfigDict(frozen=True)

    source_id: str
    host: str | None = None
    port: int = 0
    speaks: str = "tcp"
    path: str | None = None


class Sample(BaseModel):
    """What a probe found: `ms` until the answer, or until it was given up."""

    model_config = ConfigDict(frozen=True)

    source_id: str
    up: bool
    ms: float
    diagnosis: str | None = None


def target_of(access: SourceAccess, ports: dict[str, int]) -> Target:
    """What to probe of a source; `ports` are those of schemes whose URLs need not name one."""
    scheme = urlsplit(access.url).scheme
    for place in places_of(access.url, access.options):
        secure = f"http://{place.host}" not in access.options.get("endpoint", "")
        port = place.port or ports.get(scheme) or (443 if secure else 80)
        return Target(source_id=access.source_id, host=place.host, port=port, speaks=scheme)
    if scheme in _VENDORS:
        region = access.options.get("region") or os.environ.get("AWS_REGION") or "us-east-1"
        host = _VENDORS[scheme].format(region=region, name=urlsplit(access.url).hostname)
        return Target(source_id=access.source_id, host=host, port=443)
    return Target(source_id=access.source_id, path=unquote(urlsplit(access.url).path) or "/")


async def probe_all(targets: Sequence[Target]) -> list[Sample]:
    """One sample of each, at most fifty at once."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(target: Target) -> Sample:
        async with free:
            return await probe(target)

    return list(await asyncio.gather(*(one(target) for target in targets)))


async def probe(target: Target) -> Sample:
    """One sample. Raises nothing."""
    started, diagnosis = time.perf_counter(), None
    try:
        async with asyncio.timeout(SECONDS):
            await _reach(target)
    except TimeoutError:
        diagnosis = "no-answer"
    except SextantError as error:
        diagnosis = diagnosis_of(error)
    except OSError as error:
        diagnosis = "port-closed" if isinstance(error, ConnectionRefusedError) else "no-answer"
    ms = round((time.perf_counter() - started) * 1000, 3)
    return Sample(source_id=target.source_id, up=diagnosis is None, ms=ms, diagnosis=diagnosis)


async def _reach(target: Target) -> None:
    if target.path is not None:
        if not await asyncio.to_thread(_there, target.path):
            raise SourceObjectGone("The folder is not there.", "Check whether it is mounted.")
        return
    assert target.host is not None
    address = (await _addresses(target.host, target.port))[0]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    loop = asyncio.get_running_loop()
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as made:
        made.setblocking(False)
        await loop.sock_connect(made, (address, target.port))
        if target.speaks == "postgresql":
            await loop.sock_sendall(made, _SSL_REQUEST)
            if await loop.sock_recv(made, 1) not in (b"S", b"N"):
                raise SourceUnreachable(
                    "What answers is no PostgreSQL.", "Check the port.", {"diagnosis": "unreadable"}
                )


def _there(path: str) -> bool:
    check_folder(path)
    return os.path.exists(path)


async def _addresses(host: str, port: int) -> tuple[str, ...]:
    """What the name resolves to, remembered for a minute; held against the policy each time."""
    until, found = _names.get((host, port), (0.0, ()))
    if until < time.monotonic():
        found = await asyncio.to_thread(lookup, host, port)
        _names[host, port] = (time.monotonic() + NAMES_SECONDS, found)
    policy().check_name(host)
    for address in found:
        policy().check_address(host, ipaddress.ip_address(address.partition("%")[0]))
    return found
