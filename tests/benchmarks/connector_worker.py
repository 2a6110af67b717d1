"""One reading in a process of its own: `connector_worker KIND WHERE...`; says as JSON what it took.

Exits with 3 where the tool that KIND names is not installed.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TARGET, BATCH_ROWS, BATCH_BYTES = 64 << 20, 65_536, 16 << 20


def _connector(url: str) -> Any:
    from cluster.connectors import open_connector, split_url
    from cluster.connectors.interface import SourceAccess

    parts = split_url(url)
    return open_connector(SourceAccess(source_id="bench", url=parts.url, options=parts.options), parts.credential)


def _sextant(url: str, path: str) -> Callable[[], int]:
    from adbc_driver_postgresql import dbapi  # noqa: F401 - what a worker has imported before

    connector = _connector(url)
    asset = next(asset for asset in connector.enumerate().assets if asset.path == path)
    partitions = connector.plan(asset, TARGET)
    next(iter(connector.read(partitions[0], 1, 1)))  # opens the connection, as the others have opened theirs
    return lambda: sum(batch.num_rows for part in partitions for batch in connector.read(part, BATCH_ROWS, BATCH_BYTES))


def _adbc(url: str) -> Callable[[], int]:
    from adbc_driver_postgresql import dbapi

    connection = dbapi.connect(url)

    def read() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM t")
            return sum(batch.num_rows for batch in cursor.fetch_record_batch())

    return read


def _connectorx(url: str) -> Callable[[], int]:
    try:
        import connectorx
    except ImportError:
        sys.exit(3)
    return lambda: int(connectorx.read_sql(url, "SELECT * FROM t", return_type="arrow").num_rows)


def _s3(endpoint: str, bucket: str) -> str:
    return f"s3://key:secret@{bucket}?endpoint={endpoint}"


def _polars(endpoint: str, bucket: str, key: str) -> Callable[[], int]:
    import polars as pl

    options = {
        "aws_access_key_id": "key", "aws_secret_access_key": "secret", "aws_region": "us-east-1",
        "aws_endpoint_url": endpoint, "aws_allow_http": "true",
    }  # fmt: skip
    return lambda: int(
        pl.scan_parquet(f"s3://{bucket}/{key}", storage_options=options).collect(engine="streaming").height
    )


def _listing(endpoint: str, bucket: str) -> Callable[[], int]:
    connector = _connector(_s3(endpoint, bucket))
    return lambda: len(connector.enumerate().assets)


def _bare(endpoint: str, bucket: str) -> Callable[[], int]:
    """The list alone, by the client that Sextant uses: what the server itself needs."""
    import obstore
    from obstore.store import S3Store

    keys: dict[str, Any] = {"access_key_id": "key", "secret_access_key": "secret", "region": "us-east-1"}
    store = S3Store(bucket, endpoint=endpoint, client_options={"allow_http": True}, **keys)
    return lambda: sum(map(len, obstore.list(store, chunk_size=1000)))


READERS: dict[str, Callable[..., Callable[[], int]]] = {
    "postgres.sextant": lambda url: _sextant(url, "public.t"),
    "postgres.adbc": _adbc,
    "postgres.connectorx": _connectorx,
    "s3.sextant": lambda endpoint, bucket, key: _sextant(_s3(endpoint, bucket), key),
    "s3.polars": _polars,
    "s3.listing": _listing,
    "s3.bare": _bare,
}


def _resident() -> int:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    read = READERS[sys.argv[1]](*sys.argv[2:])
    before, cpu = _resident(), sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    started = time.perf_counter()
    rows = read()
    wall = time.perf_counter() - started
    spent = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - cpu
    after = _resident()
    print(
        json.dumps(
            {"rows": rows, "wall": wall, "cpu": spent, "rss_mb": after / 1024, "grown_mb": (after - before) / 1024}
        )
    )


if __name__ == "__main__":
    main()
