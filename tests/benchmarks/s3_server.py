"""An S3 server of its own process (Moto), with what the benchmarks of connectors read."""

import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import numpy as np
import polars as pl

# Fills buckets within the server: 50,000 requests to put one object each would be minutes of its own.
_SERVER = """
import sys
from moto.s3.models import s3_backends
from moto.server import main
backend = s3_backends["123456789012"]["aws"]
name, objects, prefixes = sys.argv.pop(), int(sys.argv.pop()), int(sys.argv.pop())
backend.create_bucket(name, "us-east-1")
for number in range(objects):
    key = f"team{number % prefixes % 40}/set{number % prefixes:05d}/data.csv" if number < prefixes else \\
        f"team{number % prefixes % 40}/set{number % prefixes:05d}/part-{number:06d}.csv"
    backend.put_object(name, key, b"id,email\\n1,a@example.org\\n")
main()
"""


class Server:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client: Any = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="key", aws_secret_access_key="secret",
            region_name="us-east-1",
        )  # fmt: skip

    def fill_parquet(self, bucket: str, key: str, rows: int) -> None:
        """One object of ten mixed columns, in row groups of 250,000."""
        rng = np.random.default_rng(1)
        numbers = np.arange(rows)
        frame = pl.DataFrame(
            {
                **{f"n{place}": rng.integers(0, 1 << 40, rows) for place in range(4)},
                **{f"f{place}": rng.random(rows) for place in range(3)},
                "name": [f"customer number {number}" for number in numbers],
                "mail": [f"user{number * 7919 % rows}@example.org" for number in numbers],
                "note": ["note " * (number % 5) for number in numbers],
            }
        )
        made = io.BytesIO()
        frame.write_parquet(made, row_group_size=250_000)
        self.client.create_bucket(Bucket=bucket)
        self.client.put_object(Bucket=bucket, Key=key, Body=made.getvalue())


@contextmanager
def serving(objects: int = 0, prefixes: int = 2000) -> Iterator[Server]:
    """A server whose bucket `many` holds so many objects in so many prefixes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", _SERVER, "-H", "127.0.0.1", "-p", str(port), str(prefixes), str(objects), "many"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            if process.poll() is not None:
                raise RuntimeError("Moto did not start")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)
