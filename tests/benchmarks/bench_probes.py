"""What it costs to watch many sources: CPU of the prober and of its database, as a share of one core.

python -m tests.benchmarks.bench_probes [--sources 200] [--every 10] [--seconds 60]
"""

import argparse
import asyncio
import os
import socket
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session

from cluster.context import system
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.store.engine import make_engine
from cluster.store.migrate import upgrade


def served(count: int) -> list[int]:
    """Ports that answer SSLRequest, in a process of their own whose CPU is not counted."""
    read, write = os.pipe()
    if os.fork():
        with os.fdopen(read) as lines:
            return [int(line) for line in lines.readline().split()]
    listening = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(count)]
    os.write(write, (" ".join(str(one.getsockname()[1]) for one in listening) + "\n").encode())

    def answer(server: socket.socket) -> None:
        while True:
            client, _ = server.accept()
            with client:
                client.recv(8)
                client.sendall(b"N")

    for server in listening:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def cpu_of(pid: int | None) -> float:
    """CPU seconds of a process and those below it."""
    total = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)] if pid else []:
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


async def watch(engine: Any, every: float, seconds: float) -> tuple[float, float]:
    """CPU seconds of this process while it probes, and wall seconds."""
    from actors.sources import health_queries
    from actors.sources.health import Standing
    from actors.sources.prober import Known, Prober
    from actors.sources.service import service
    from cluster.runtime.writer import GroupWriter

    def known() -> list[Known]:
        with Session(engine) as session:
            found = health_queries.to_probe(session)
            return [
                Known(one, row and Standing.model_validate(row.standing), row and row.asked_at) for one, row in found
            ]

    async def elsewhere(targets: Any, labels: Any) -> list[Any]:
        raise AssertionError("no source is placed")

    writer = GroupWriter(service, engine)
    await writer.open()
    running = asyncio.create_task(writer.run())

    async def tell(command: Any) -> None:
        await writer.execute(command, system("sources"))

    prober = Prober(known, tell, elsewhere, every)
    deadline, begun, cpu = time.monotonic() + seconds, time.monotonic(), time.process_time()
    while time.monotonic() < deadline:
        await prober.look()
        await asyncio.sleep(1)
    spent = time.process_time() - cpu, time.monotonic() - begun
    running.cancel()
    return spent


def main() -> None:
    """Prints the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    ports = served(given.sources)
    with tempfile.TemporaryDirectory(prefix="sxt-probes-") as folder:
        Path(folder).chmod(0o755)
        os.environ["SEXTANT_HOME"] = folder
        from actors.sources.contract import RegisterSource
        from actors.sources.service import service
        from cluster.runtime.commands import UnitOfWork

        server = EmbeddedPostgres(Path(folder) / "pg", durable=False)
        server.start()
        try:
            upgrade(server.url)
            engine = make_engine(server.url)
            with Session(engine) as session, session.begin():
                for number, port in enumerate(ports):
                    url = SecretStr(f"postgresql://127.0.0.1:{port}/db{number}")
                    work = UnitOfWork(session, system("sources"), "sources", datetime.now(UTC))
                    service.carry_out(work, RegisterSource(url=url))
            before = cpu_of(server.pid())
            spent, wall = asyncio.run(watch(engine, given.every, given.seconds))
            database = cpu_of(server.pid()) - before
            with engine.connect() as connection:
                probes, failures = connection.execute(
                    text("SELECT sum(probes), sum(failures) FROM sources.probes")
                ).one()
            engine.dispose()
        finally:
            server.stop()
    print(
        f"{given.sources} sources every {given.every:g} s for {wall:.0f} s, {probes} probes told of, {failures} failed"
    )
    print(f"prober   {spent / wall:6.2%} of one core")
    print(f"database {database / wall:6.2%} of one core")
    print(f"together {(spent + database) / wall:6.2%} of one core")


if __name__ == "__main__":
    main()
