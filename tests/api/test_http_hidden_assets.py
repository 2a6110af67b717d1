"""Nothing of a hidden asset is told to who may not see it: whatever is hidden from whom, whichever way is asked.

Every name, text, comment and SQL of an asset holds a word that is its own. A caller asks every address of the catalog
that can be read, in every way that tells of assets, and no answer holds the word of an asset that is hidden from it;
what is counted is what a catalog without the hidden assets would count. So it is with verdicts, facts and risk: they
are held against those of a source that has only the assets that are seen.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from actors.catalog.contract import (
    AnnotateAsset,
    AssignDomain,
    ColumnLabel,
    DecideLink,
    DefineMonitor,
    DefineTerm,
    DefineTest,
    DeriveLineage,
    OpenIncident,
    RecordInventory,
    RecordLabels,
    RecordLineageEvent,
    RegisterAsset,
    RestrictDomain,
    SourceRef,
    TellUse,
)
from actors.compliance.contract import AdviseSource, EvaluateSource, FactDraft, RecordFacts
from cluster.connectors.interface import AssetInfo, ColumnInfo, ForeignKey
from cluster.naming import asset_id
from cluster.security.tokens import issue_token

SOURCE = SourceRef(
    id="leaks", name="leaks", kind="postgresql", namespace="postgres://leaks:5432", url="postgresql://leaks:5432/db"
)  # fmt: skip
TABLES = 5
EXAMPLES = 60 if os.environ.get("LONG_TESTS") else 2
KINDS = ("source", "asset", "labels", "coverage", "profile", "flows")
BY_FLOWS = {"flow.encrypted", "flow.transfer_basis", "register.purpose_kept"}
WORDS = ("quokka", "narwhal", "axolotl", "pangolin", "ocelot")


def ident(number: int) -> str:
    return asset_id("leaks", f"public.{WORDS[number]}")


@dataclass(frozen=True)
class World:
    """`places`: each table's domain, if any; `members`: who may see each domain; `flows`: what is made of what."""

    places: tuple[int | None, ...]
    members: tuple[frozenset[str] | None, ...]
    flows: frozenset[tuple[int, int]]

    def hidden_from(self, who: set[str]) -> set[int]:
        return {
            number for number, place in enumerate(self.places)
            if place is not None and (told := self.members[place]) is not None and not told & who
        }  # fmt: skip


EDGES = st.tuples(st.integers(0, TABLES - 1), st.integers(0, TABLES - 1)).filter(lambda edge: edge[0] < edge[1])
WORLDS = st.builds(
    World,
    places=st.tuples(*[st.sampled_from([None, 0, 1])] * TABLES),
    members=st.tuples(*[st.one_of(st.none(), st.frozensets(
        st.sampled_from(["leak.viewer", "role:viewer", "role:auditor", "nobody"]), min_size=1, max_size=2))] * 2),
    flows=st.frozensets(EDGES),
)  # fmt: skip


def made(instance: Any, world: World) -> None:
    """A catalog of this world and nothing else."""
    with instance.groups.engine.begin() as connection:
        connection.execute(text("DELETE FROM ground.concealed"))
        connection.execute(text("DELETE FROM ground.compartment_member"))
        for table in ("term_link", "term_relation", "term", "quality_test", "monitor", "alert", "incident", "asset_use",
                      "asset_change", "source_domain", "metric_point", "edge", "annotation", "shown_label", "profile",
                      "asset_column", "schema_version", "told_facet", "dataset_alias", "lineage_event",
                      "asset"):  # fmt: skip
            connection.execute(text(f"DELETE FROM catalog.{table}"))
    do = instance.groups.carry_out
    do(RecordInventory(source=SOURCE, assets=tuple(_info(world, number) for number in range(TABLES)), complete=True))
    do(DeriveLineage(source_id="leaks"))
    term = do(DefineTerm(name="Animal", definition="Something alive."))
    for number in range(TABLES):
        _curated(do, number, term.id)
    do(RecordFacts(source_id="leaks", facts=told("leaks", world, set()), complete=KINDS))
    do(EvaluateSource(source_id="leaks", frameworks=("gdpr",)))
    do(AdviseSource(source_id="leaks"))
    for number, members in enumerate(world.members):
        domain = do(RegisterAsset(kind="domain", name=f"domain-{number}"))
        inside = tuple(ident(each) for each, place in enumerate(world.places) if place == number)
        do(AssignDomain(domain_id=domain.id, assets=inside))
        if members is not None:
            do(RestrictDomain(domain_id=domain.id, members=tuple(members)))


def _info(world: World, number: int) -> AssetInfo:
    word = WORDS[number]
    origins = [WORDS[start] for start, end in world.flows if end == number]
    column = ColumnInfo(name=f"{word}_phone", ordinal=0, type="string", physical_type="text", comment=f"{word} comment")
    keys = tuple(
        ForeignKey(columns=(f"{word}_phone",), to_asset=f"public.{origin}", to_columns=(f"{origin}_phone",))
        for origin in origins
    )
    sql = " UNION ALL ".join(f"SELECT {origin}_phone AS {word}_phone FROM public.{origin}" for origin in origins)
    return AssetInfo(
        path=f"public.{word}", kind="view" if origins else "table", columns=(column,), comment=f"{word} table",
        definition=sql or None, foreign_keys=keys, fingerprint=f"f{number}", rows_estimate=1000 + number,
    )  # fmt: skip


def told(source: str, world: World, without: set[int]) -> tuple[FactDraft, ...]:
    """The facts of a source that has these tables but some."""
    found = [FactDraft(kind="source", subject=source, value={"name": "one", "tls": None, "encrypted_at_rest": False})]
    flows = [edge for edge in world.flows if not without & set(edge)]
    for number in sorted(set(range(TABLES)) - without):
        word, subject = WORDS[number], ident(number)
        label = {
            "data_class": "contact.phone",
            "sensitivity": "Confidential",
            "tags": ["personal", "direct_identifier"],
            "matched": 9,
            "scanned": 10,
            "state": "automatic",
            "origin": "machine",
            "whole_column": True,
        }
        keys = [
            {"columns": ["a"], "to_asset": f"public.{WORDS[start]}", "to_columns": ["a"]}
            for start, end in flows
            if end == number and source == "leaks"
        ]
        ways = {
            way: [
                {
                    "asset": ident(edge[end]),
                    "source": f"{WORDS[edge[end]]}-store",
                    "tls": False,
                    "masking": False,
                    "source_name": f"{WORDS[edge[end]]}-store",
                    "region": "us",
                }
                for edge in flows
                if edge[1 - end] == number
            ]
            for way, end in (("in", 0), ("out", 1))
        }
        values = {
            "asset": {
                "path": f"public.{word}",
                "kind": "table",
                "status": "present",
                "tags": [f"scope:{word}"],
                "grants": [{"grantee": f"{word}-role", "privilege": "SELECT", "public": True}],
                "columns": [f"{word}_phone"],
                "foreign_keys": keys,
            },
            "labels": {"columns": {f"{word}_phone": [label]}},
            "coverage": {"method": "census", "partitions": 1, "partitions_read": 1, "rows": 10},
            "flows": ways,
        }
        found += [FactDraft(kind=kind, subject=subject, value=value) for kind, value in values.items()]  # type: ignore[arg-type]
    return tuple(found)


def _curated(do: Any, number: int, term: str) -> None:
    word, identifier = WORDS[number], ident(number)
    do(AnnotateAsset(asset_id=identifier, description=f"{word} words", owner=f"{word}-owner", tags=(f"{word}-tag",)))
    label = ColumnLabel(asset_id=identifier, column=f"{word}_phone", data_class="contact.phone",
                        sensitivity="confidential", origin="machine", state="automatic", confidence=0.9)  # fmt: skip
    do(RecordLabels(source_id="leaks", assets=(identifier,), labels=(label,)))
    do(DecideLink(term_id=term, asset_id=identifier, column=f"{word}_phone", status="validated"))
    do(DefineTest(asset_id=identifier, definition="columnValuesToBeNotNull", column=f"{word}_phone"))
    do(DefineMonitor(asset_id=identifier, kind="volume"))
    facets = {
        "documentation": {"description": f"{word} documented"}, "ownership": {"owners": [{"name": f"{word}-team"}]},
        "tags": {"tags": [{"key": f"{word}-told", "value": "true"}]},
    }  # fmt: skip
    output = {"namespace": SOURCE.namespace, "name": f"db.public.{word}", "facets": facets}
    do(RecordLineageEvent(body={
        "eventType": "COMPLETE", "eventTime": "2026-03-02T10:00:00Z", "run": {"runId": f"{word}-run"},
        "job": {"namespace": "jobs", "name": f"load-{word}"}, "outputs": [output],
    }))  # fmt: skip
    do(OpenIncident(asset_id=identifier, title=f"{word} is odd"))
    do(TellUse(day=datetime.now(UTC).date(), uses={identifier: 3}))


@pytest.fixture(scope="session")
def people(instance: Any) -> dict[str, tuple[httpx.Client, set[str]]]:
    """A client of each person, and the names by which it is a member."""
    found = {}
    with Session(instance.groups.engine) as session, session.begin():
        for name, role in (("leak.viewer", "viewer"), ("leak.auditor", "auditor")):
            token = issue_token(session, name, [role], None).secret
            client = httpx.Client(base_url=instance.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
            found[name] = (client, {name, f"role:{role}"})
    return found


@pytest.fixture(autouse=True)
def _open_again(instance: Any) -> Iterator[None]:
    """What was hidden is so no longer when other tests ask the same instance."""
    yield
    with instance.groups.engine.begin() as connection:
        connection.execute(text("DELETE FROM ground.concealed"))
        connection.execute(text("DELETE FROM ground.compartment_member"))
    instance.forget_tokens()


def judged(instance: Any, client: httpx.Client, world: World, unseen: set[int]) -> None:
    """Verdicts and risk are those of a source without what is unseen, but for what stands on the source as a whole."""
    do, tied = instance.groups.carry_out, {end for edge in world.flows if unseen & set(edge) for end in edge}
    do(RecordFacts(source_id="seen", facts=told("seen", world, unseen), complete=KINDS))
    do(EvaluateSource(source_id="seen", frameworks=("gdpr",)))
    admin = instance.client()
    found = [pages(one, f"/api/v1/findings?source_id={source}") for one, source in ((client, "leaks"), (admin, "seen"))]
    mine, expected = ({(one["control"], one["check"], one["subject"]): (one["verdict"], one["reason"]) for one in listed
                       if one["subject"] not in {"leaks", "seen"} and one["verdict"] != "NOT_APPLICABLE"}
                      for listed in found)  # fmt: skip
    assert {key for key in expected if key not in mine} <= {
        key for key in expected if key[2] in {ident(each) for each in tied} and key[1] in BY_FLOWS
    }
    assert mine.items() <= expected.items()
    assert not unseen or "leaks" not in {one["subject"] for one in found[0]}
    counted = [one.get(f"/api/v1/sources/{source}/risk").json() | {"source_id": ""}
               for one, source in ((client, "leaks"), (admin, "seen"))]  # fmt: skip
    assert counted[0] == counted[1]
    question = "controls?framework=gdpr&control=46"
    reasons = [one.get(f"/api/v1/sources/{source}/{question}").json()["items"]
               for one, source in ((client, "leaks"), (admin, "seen"))]  # fmt: skip
    assert reasons[0] == [one for one in reasons[1] if not unseen or one["subject"] != "seen"]
    for one in found[0]:
        assert client.get(f"/api/v1/findings/{one['id']}/replay").json()["reason"] == one["reason"]
    shown = {one["id"] for one in found[0]}
    for one in pages(admin, "/api/v1/findings?source_id=leaks"):
        assert one["id"] in shown or client.get(f"/api/v1/findings/{one['id']}").status_code == 404


def pages(client: httpx.Client, address: str) -> list[Any]:
    found, after = [], ""
    while after is not None:
        answer = client.get(f"{address}&limit=100{after and '&after=' + after}").json()
        found, after = found + answer["items"], answer["next"]
    return found


def addresses(client: httpx.Client) -> list[str]:
    document = client.get("/api/v1/openapi.json").json()
    return [
        path for path, item in document["paths"].items()
        if "get" in item and not path.endswith("/stream") and "/health/" not in path
    ]  # fmt: skip


def asked(paths: list[str], unseen: set[int]) -> Iterator[str]:
    """Every address that is read, with the ids and questions that could bring the unseen assets to light."""
    for path in paths:
        if "{" not in path:
            yield path
        elif path.startswith("/api/v1/sources/{source_id}/") and path.count("{") == 1:
            yield path.replace("{source_id}", "leaks")
            if path.endswith("/findings/export"):
                yield f"{path.replace('{source_id}', 'leaks')}?format=sarif"
            if path.endswith(("/report", "/evidence")):
                yield f"{path.replace('{source_id}', 'leaks')}?framework=gdpr"
        elif path == "/api/v1/sources/{source_id}/risk/{asset_id}":
            yield from (path.replace("{source_id}", "leaks").replace("{asset_id}", ident(number)) for number in unseen)
        elif path.startswith(("/api/v1/assets/{", "/api/v1/lineage/{")):
            for number in range(TABLES) if path.endswith("/lineage") else unseen:
                yield path.replace("{asset_id}", ident(number))
                if path.endswith("/lineage"):
                    yield f"{path.replace('{asset_id}', ident(number))}?column={WORDS[number]}_phone&depth=9"
    for word in ("phone", *(WORDS[number] for number in unseen), *(WORDS[number][:-1] + "x" for number in unseen)):
        yield f"/api/v1/search?q={word}"
        yield f"/api/v1/search/facets?q={word}"
        yield f"/api/v1/assets?tag={word}-tag&owner={word}-owner"
        yield f"/api/v1/assets?tag={word}-told&owner={word}-team"
    for number in unseen:
        for list_ in ("term-links", "quality/tests", "monitors", "incidents", "contracts", "labels"):
            yield f"/api/v1/{list_}?asset_id={ident(number)}"
    for query in ("format=csv", "format=dcat", "data_class=contact.phone", "source_id=leaks"):
        yield f"/api/v1/catalog/export?{query}"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=WORLDS)
@example(World((0, None, None, 1, 0), (frozenset({"nobody"}), None), frozenset({(0, 1), (1, 2), (2, 4)})))
@example(World((0, None, None, None, None), (frozenset({"nobody"}), None), frozenset()))  # flows of before are no more
def test_nothing_of_a_hidden_asset_is_told(instance: Any, people: dict[str, Any], world: World) -> None:
    made(instance, world)
    instance.forget_tokens()
    paths = addresses(next(iter(people.values()))[0])
    for name, (client, who) in people.items():
        unseen = world.hidden_from(who)
        secret = {WORDS[number] for number in unseen} | {ident(number) for number in unseen}
        for path in dict.fromkeys(asked(paths, unseen) if unseen else ()):
            answer = client.get(path)
            assert answer.status_code < 500, (name, path, answer.text)
            told = {word for word in secret if word in answer.text.replace(path.partition("?")[2], "")}
            assert not told, (name, path, world)
        _counts(client, TABLES - len(unseen), name)
        if name == "leak.auditor":
            judged(instance, client, world, unseen)


def _counts(client: httpx.Client, visible: int, name: str) -> None:
    counted = client.get("/api/v1/search/facets?q=phone").json()
    assert counted["total"] == visible, name
    assert sum(counted["facets"]["data_class"].values()) == visible
    term = client.get("/api/v1/terms").json()["items"][0]
    assert term["links"] == visible
    assert len(client.get("/api/v1/incidents").json()["items"]) == visible
    domains = client.get("/api/v1/domains").json()["items"]
    placed = client.get("/api/v1/assets?source_id=leaks").json()["items"]
    assert len(placed) == visible
    assert sum(domain["assets"] for domain in domains) <= visible
    told = [client.get(f"/api/v1/assets?tag={word}-told").json()["items"] for word in WORDS[:TABLES]]
    assert sum(map(len, told)) == visible
    export = json.dumps(client.get("/api/v1/catalog/export").json())
    assert export.count("dcat:Distribution") == visible
