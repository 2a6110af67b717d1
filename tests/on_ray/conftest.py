"""The one Ray cluster that the tests of scans share: a head, and a second node whose raylet may be killed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from actors.scans.actor import ScansActor
from cluster.context import new_id
from cluster.runtime.doors import NAMESPACE, ensure_actor
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.store.migrate import upgrade
from tests.on_ray.scan_site import ROWS, Site, folder, forget, table


@pytest.fixture(scope="module")
def site(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    store_url = postgres_server.ensure_database(f"scans_{new_id()[:8]}")
    upgrade(store_url)
    home = tmp_path_factory.mktemp("site")
    short = Path(tempfile.mkdtemp(prefix="sxt"))  # Ray's sockets lie here, and their paths may not be long
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_AUTH_MODE", raising=False)  # Ray chooses tokens for a new cluster, and says so here
        environment = {
            "SEXTANT_HOME": home, "SEXTANT_STORE_URL": store_url, "SEXTANT_PARTITION_BYTES": 1 << 16,
            "SEXTANT_LEASE_SECONDS": 20, "POLARS_MAX_THREADS": 1, "RAY_AUTH_TOKEN_PATH": short / "token",
            "RAY_TMPDIR": short,
        }  # fmt: skip
        for name, value in environment.items():
            patch.setenv(name, str(value))
        forget()
        (short / "token").write_text(new_id() * 2)
        (short / "ray").mkdir()
        (home / "files").mkdir()
        head = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False, "temp_dir": str(short)}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            ray.init(address=cluster.address, namespace=NAMESPACE, log_to_driver=False)
            ensure_actor(ScansActor)
            people = postgres_server.ensure_database(f"people_{new_id()[:8]}")
            site = Site(store_url, {"files": (folder(home / "files"), {}), "table": table(people)}, cluster)
            site.add_node()
            yield site
        finally:
            ray.shutdown()
            cluster.shutdown()
            shutil.rmtree(short, ignore_errors=True)
    forget()


@pytest.fixture(scope="module")
def undisturbed(site: Site) -> list[str]:
    scans = site.ended(site.start())
    assert [(scan.state, scan.rows, scan.problems) for scan in scans] == [("succeeded", ROWS, ())] * 2
    assert set(site.attempts(scans)) == {1}
    for scan in scans:
        assert site.validated(scan)["contact.email"] == ROWS
    return site.digests(scans)
