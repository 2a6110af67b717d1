"""Idle memory: Sextant after `sextant up` beside a bare Ray with as many processes, in one run.

The bare one is the same head with the same settings and Serve with one replica that says hello: once alone, once with
seven empty detached actors, which is what Ray takes for processes of the same shape. Resident memory (RSS) counts a
page that processes share once for each of them; proportional memory (PSS) counts it once, so only PSS adds up to what
the machine gives.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cluster.runtime.instance import status
from cluster.runtime.ports import choose
from cluster.runtime.ray_head import RAY_PORTS, Record, forget_session, ray_environment, start_head, stop_all
from cluster.settings import Settings
from tests.benchmarks.instance import own_instance

SETTLE_SECONDS = 20
GROUPS = 7

_HELLO = """
import os
import ray
from fastapi import FastAPI
from ray import serve

ray.init(namespace="bare", log_to_driver=False)
app = FastAPI()

@app.get("/")
def hello() -> str:
    return "hello"

@serve.deployment(ray_actor_options={"num_cpus": 0})
@serve.ingress(app)
class Hello:
    pass

@ray.remote
class Empty:
    async def describe(self) -> int:
        return 1

groups = range(int(os.environ["GROUPS"]))
actors = [Empty.options(name=f"e{i}", lifetime="detached", num_cpus=0).remote() for i in groups]
ray.get([actor.describe.remote() for actor in actors])
serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["HELLO_PORT"])})
serve.run(Hello.bind())
"""


def bare(groups: int) -> dict[str, float]:
    """Memory in MB of a bare Ray and Serve with so many empty actors."""
    with tempfile.TemporaryDirectory(prefix="bare-") as folder:
        home = Path(folder)
        settings = Settings(home=home)
        for name in ("run", "logs"):
            (home / name).mkdir()
        ports = choose(dict.fromkeys(("http", "dashboard", *RAY_PORTS), 0), {}, 4711)
        record = Record(name=f"bare{os.getpid()}", ports=ports, temporary=str(home / "run" / "ray"))
        environment = ray_environment(settings, record, "")
        try:
            start_head(settings, record, environment)
            inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
            subprocess.run(
                [sys.executable, "-c", _HELLO],
                env=inherited | environment | {"HELLO_PORT": str(ports["http"]), "GROUPS": str(groups)},
                check=True,
                capture_output=True,
            )
            time.sleep(SETTLE_SECONDS)
            (home / "run" / "instance.json").write_text(json.dumps(record))
            return totals(settings)
        finally:
            stop_all(record["name"])
            forget_session(home, record)


def totals(settings: Settings) -> dict[str, float]:
    """RSS, PSS and number of all processes of an instance."""
    kinds = status(settings)["kinds"].values()
    return {name: sum(kind[name] for kind in kinds) for name in ("processes", "rss_mb", "pss_mb")}


def main() -> None:
    print("Idle memory, all processes together")
    floors = {"bare Ray and Serve": bare(0), f"the same with {GROUPS} empty actors": bare(GROUPS)}
    with own_instance() as (_, __, home):
        time.sleep(SETTLE_SECONDS)
        ours = totals(Settings(home=home))
    for name, found in (*floors.items(), ("Sextant after `sextant up`", ours)):
        memory = f"{found['rss_mb']:6.0f} MB RSS  {found['pss_mb']:6.0f} MB PSS"
        print(f"  {name:28} {found['processes']:3.0f} processes  {memory}")
    for name, floor in floors.items():
        rss, pss = (ours[figure] - floor[figure] for figure in ("rss_mb", "pss_mb"))
        print(f"  over {name:28} {rss:6.0f} MB RSS  {pss:6.0f} MB PSS")


if __name__ == "__main__":
    main()
