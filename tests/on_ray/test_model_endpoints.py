"""Models as deployments on a real Ray cluster: versions side by side, scaled by demand, alive after faults."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import ray
from ray import serve as ray_serve

from cluster.context import new_id
from cluster.errors import ModelUnusable
from cluster.kernels.report import ColumnEvidence, ColumnProfile
from cluster.ml.column_model import ColumnModel
from cluster.ml.embedding import Embedder
from cluster.ml.packaged import MANIFEST, shipped, write_manifest
from serve.models.deployments import EMBEDDINGS, ENTITIES, deploy_models
from serve.models.handles import Served
from tests.on_ray.scan_site import until

pytestmark = pytest.mark.ray

SCALING = {
    "min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 1, "upscale_delay_s": 1, "look_back_period_s": 20,
}  # fmt: skip
PROFILE = ColumnProfile(rows=9, nulls=0, empties=0, unreadable=0, distinct=9, distinct_exact=True)
TEXTS = [f"customer number {number}" for number in range(20)]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    short = Path(tempfile.mkdtemp(prefix="sxt"))  # Ray's sockets lie here, and their paths may not be long
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_AUTH_MODE", raising=False)
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(short / "token"))
        (short / "token").write_text(new_id() * 2)
        try:
            ray.init(
                num_cpus=3, object_store_memory=100 << 20, include_dashboard=False, _temp_dir=str(short),
                log_to_driver=False,
            )  # fmt: skip
            ray_serve.start(proxy_location="Disabled")
            deploy_models(SCALING)
            until(lambda: {app.status for app in ray_serve.status().applications.values()} == {"RUNNING"})
            yield Served()
        finally:
            ray_serve.shutdown()
            ray.shutdown()
            shutil.rmtree(short, ignore_errors=True)


def embedded(served: Served, folder: Path | None, texts: list[str] = TEXTS) -> Any:
    async def ask() -> Any:
        return await asyncio.gather(*(served.embed([text], folder) for text in texts))

    return np.concatenate(asyncio.run(ask()))


def replicas(application: str) -> int:
    (deployment,) = ray_serve.status().applications[application].deployments.values()
    return deployment.replica_states.get("RUNNING", 0)


def test_requests_of_two_versions_share_a_replica_and_get_what_their_version_says(
    served: Served, tmp_path: Path
) -> None:
    other = shutil.copytree(shipped("embedding"), tmp_path / "other")
    write_manifest(other, "other", "2", "Apache-2.0", "here")
    wanted = Embedder.load().embed(TEXTS)
    for folder in (None, other, None):
        assert np.allclose(embedded(served, folder), wanted, atol=1e-6)
    spans = asyncio.run(served.find(["My name is Lucia Fernandez.", "nothing"]))
    assert [[span.data_class for span in each] for each in spans] == [["person.full_name"], []]
    columns = [ColumnEvidence(column=name, type="string", profile=PROFILE) for name in ("first_name", "status")]
    assert asyncio.run(served.guess(columns, "staff")) == ColumnModel.load().guess_all(columns, "staff")


def test_a_version_that_is_corrupt_is_refused_and_the_others_answer_on(served: Served, tmp_path: Path) -> None:
    torn = shutil.copytree(shipped("embedding"), tmp_path / "torn")
    (torn / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelUnusable):
        embedded(served, torn, TEXTS[:1])
    assert embedded(served, None).shape == (20, 384)
    shutil.copy(shipped("embedding") / "tokenizer.json", torn)
    assert (torn / MANIFEST).exists()
    assert embedded(served, torn, TEXTS[:1]).shape == (1, 384), "it works once its files are whole"


@pytest.mark.skipif("LONG_TESTS" not in os.environ, reason="half a minute: make nightly")
def test_a_replica_that_dies_is_replaced(served: Served) -> None:
    def replica() -> psutil.Process:
        named = (each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"])
        title = f"ray::ServeReplica:{EMBEDDINGS}"
        return next(each for each in named if each.info["cmdline"][0].startswith(title) and is_mine(each))

    first = replica()
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: ray_serve.status().applications[EMBEDDINGS].status == "RUNNING" and not first.is_running())
    assert embedded(served, None).shape == (20, 384)


def is_mine(process: psutil.Process) -> bool:
    return process.pid in {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.mark.skipif("LONG_TESTS" not in os.environ, reason="half a minute: make nightly")
def test_more_demand_brings_another_replica(served: Served) -> None:
    assert replicas(ENTITIES) == 1
    texts = [f"My name is Lucia Fernandez {number}. " * 40 for number in range(64)]

    async def press() -> int:
        most, deadline = 1, time.monotonic() + 90
        while most < 2 and time.monotonic() < deadline:
            asked = [served.find([f"{text}{time.monotonic()}"]) for text in texts]
            await asyncio.gather(*asked)
            most = max(most, replicas(ENTITIES))
        return most

    assert asyncio.run(press()) == 2
