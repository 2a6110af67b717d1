"""A second `sextant govern`: it reads what was changed and nothing else, and changes what follows from that."""

import shutil
from pathlib import Path

import psycopg
import pytest
from sextant_estate import Estate
from sextant_instance import Instance

from cluster.events import feed

pytestmark = pytest.mark.ray

# That something ran is told; that something is other than it was is not told unless it is.
LIFE_CYCLE = {
    "orchestrator.workflow_started", "orchestrator.phase", "orchestrator.workflow_finished",
    "sources.tested", "sources.discovered", "scans.started", "scans.planned", "scans.progress", "scans.finished",
    "compliance.facts_recorded", "compliance.evaluated", "compliance.advised",
}  # fmt: skip


def newest(instance: Instance) -> int:
    with instance.session() as session:
        return feed.latest(session)


@pytest.mark.parametrize("source", ["shop", "files"])
def test_unchanged_data_is_not_read_and_changes_nothing(
    instance: Instance, estate: Estate, governed: object, source: str
) -> None:
    before, seen, done = instance.digests(source), newest(instance), len(instance.workflows(source))
    if source == "shop":
        estate.govern(instance)
    else:
        instance.cli("govern", str(estate.files))
    workflows = instance.workflows(source)
    assert (len(workflows), workflows[-1]["state"]) == (done + 1, "succeeded")
    assert instance.read(workflows[-1]["id"]) == []
    assert instance.digests(source) == before
    with instance.session() as session:
        kinds = {event.kind for event in feed.read_after(session, seen, 10_000)}
    assert kinds <= LIFE_CYCLE | {"sources.health_changed"}  # probes go on whatever is governed
    figures = {phase["name"]: phase["counters"] for phase in workflows[-1]["phases"]}
    assert (figures["scan"]["partitions_read"], figures["correlate"]["findings_changed"]) == (0, 0)


def test_one_changed_row_is_read_with_the_part_it_lies_in(instance: Instance, estate: Estate, governed: object) -> None:
    with psycopg.connect(estate.owner, autocommit=True) as connection:
        changed = connection.execute("UPDATE support.events SET kind = 'reopened' WHERE event_id = 777")
        assert changed.rowcount == 1
    estate.govern(instance)
    workflow = instance.workflows("shop")[-1]["id"]
    read = instance.read(workflow)
    parts = instance.rows(
        "SELECT count(*) FROM scans.partition p JOIN scans.asset a USING (run_id, asset_id) "
        "WHERE p.run_id = %s AND a.path = 'support.events'", instance.scan(workflow),
    )  # fmt: skip
    # The old row's place and the new one's: the same part, or two.
    assert {path for path, _ in read} == {"support.events"}
    assert 1 <= len(read) <= 2 < parts[0][0]


def test_of_files_only_the_changed_one_is_read_and_a_deleted_one_is_gone(
    instance: Instance, tmp_path: Path, estate: Estate
) -> None:
    folder, leads, campaign = tmp_path / "few", "leads.csv", "campaigns/spring/leads.jsonl"
    shutil.copytree(estate.files / "marketing", folder)
    instance.cli("govern", str(folder), "--name", "few")
    with (folder / leads).open("a") as file:
        file.write("Nobody,nobody@example.org,none,Atlantis,fair,7\n")
    instance.cli("govern", str(folder))
    (folder / leads).unlink()
    instance.cli("govern", str(folder))
    read = [{path for path, _ in instance.read(workflow["id"])} for workflow in instance.workflows("few")]
    assert read == [{leads, campaign}, {leads}, set()]
    with instance.client() as sextant:
        source_id = instance.source_id("few")
        statuses = {asset.path: asset.status for asset in sextant.assets(source_id=source_id)}
        assert statuses == {leads: "gone", campaign: "active"}
        assert {label.asset for label in sextant.labels(source_id=source_id)} == {campaign}
