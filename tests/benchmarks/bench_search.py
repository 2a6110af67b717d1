"""Search over a catalog of a million assets: how long a question takes, warm, in the ways that people ask.

    python -m tests.benchmarks.bench_search [--assets 1000000] [--questions 400]

The catalog is made in a PostgreSQL of its own, in a new folder: names of tables and columns are drawn from words that
are as unequal in frequency as words are (Zipf), so that some stand in a fifth of all assets. Vectors are the shipped
model's. Half of the questions are those of a caller from whom a tenth of the assets are hidden. What is timed is what
a request does behind its door: the vector of the question, both lists, their fusion, and the page.
"""

import argparse
import random
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import numpy as np
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from actors.catalog import queries, vectors
from actors.catalog.assets import AssetFilter
from actors.catalog.finding import Asked
from actors.catalog.meanings import lexeme, named
from actors.catalog.search import same_name
from actors.catalog.vocabulary import learn, learn_phrases
from actors.catalog.worker import embed
from cluster.context import Caller
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.store.engine import make_engine
from cluster.store.migrate import upgrade
from tests.benchmarks import machine

THINGS = [
    "customer",
    "order",
    "invoice",
    "payment",
    "product",
    "supplier",
    "employee",
    "shipment",
    "account",
    "contract",
    "ticket",
    "session",
    "event",
    "device",
    "campaign",
    "store",
    "region",
    "currency",
    "price",
    "stock",
    "return",
    "refund",
    "claim",
    "policy",
    "patient",
    "visit",
    "doctor",
    "student",
    "course",
    "grade",
    "booking",
    "flight",
    "hotel",
    "guest",
    "vehicle",
    "driver",
    "route",
    "sensor",
    "reading",
    "alarm",
    "meter",
    "tariff",
    "loan",
    "branch",
    "card",
    "transaction",
]
FACTS = [
    "id",
    "name",
    "email",
    "phone",
    "address",
    "city",
    "country",
    "status",
    "type",
    "created",
    "updated",
    "amount",
    "total",
    "quantity",
    "code",
    "number",
    "date",
    "birth",
    "first",
    "last",
    "street",
    "postal",
    "note",
    "description",
    "owner",
    "score",
    "rate",
    "start",
    "end",
    "latitude",
    "longitude",
    "weight",
    "height",
    "color",
    "size",
    "category",
    "rank",
    "flag",
    "version",
    "source",
    "target",
    "currency",
    "iban",
    "password",
    "token",
    "gender",
    "salary",
]
COLUMNS = 8
CHUNK = 50_000


def names(count: int, chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    """(table, columns) of assets; of the words those that come first are the most frequent."""
    things = [1 / (rank + 1) for rank in range(len(THINGS))]
    facts = [1 / (rank + 1) for rank in range(len(FACTS))]
    for number in range(count):
        table = f"{chance.choices(THINGS, things)[0]}_{chance.choice(THINGS)}_{number % 9973}"
        columns = [f"{one}_{other}" for one, other in zip(
            chance.choices(FACTS, facts, k=COLUMNS), chance.choices(FACTS, k=COLUMNS), strict=True)]  # fmt: skip
        yield table, columns


def load(engine: Engine, count: int) -> None:
    """Fills the catalog. Documents are made by the same weights as `actors.catalog.document`."""
    chance, begun = random.Random(7), time.perf_counter()
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX catalog.ix_asset_document"))
    for start in range(0, count, CHUNK):
        some = list(names(min(CHUNK, count - start), chance))
        with Session(engine) as session, session.begin():
            told = {f"{table.split('_')[0]} {columns[0].replace('_', ' ')}" for table, columns in some}
            numbers = learn_phrases(session, told)
            learn(session, {word for table, columns in some for each in (table, *columns) for word in each.split("_")})
            rows = [
                (f"a{start + place:07}", table, columns,
                 [lexeme(numbers[f"{table.split('_')[0]} {columns[0].replace('_', ' ')}"]), *_called(table, place)])
                for place, (table, columns) in enumerate(some)
            ]  # fmt: skip
            _copy(session, rows)
        print(f"\r{start + len(some):,} assets in {time.perf_counter() - begun:.0f} s", end="", flush=True)
    print()
    with engine.begin() as connection:
        connection.execute(text("SET maintenance_work_mem = '512MB'"))
        connection.execute(text("CREATE INDEX ix_asset_document ON catalog.asset USING gin (document)"))
        connection.execute(
            text("INSERT INTO ground.concealed SELECT id, 'closed' FROM catalog.asset WHERE right(id, 1) = '0'")
        )
    _vectors(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE catalog.asset"))
        connection.execute(text("ANALYZE catalog.phrase, catalog.word, ground.concealed"))


def _called(table: str, place: int) -> list[str]:
    """What documents say of names; one asset of a hundred is called by its first word alone."""
    first = table.partition("_")[0]
    return [named(same_name(each)) for each in ((table, first) if place % 100 == 0 else (table,))]


def _copy(session: Session, rows: list[tuple[str, str, list[str], list[str]]]) -> None:
    raw = session.connection().connection.cursor()
    raw.execute("CREATE TEMP TABLE IF NOT EXISTS told (id text, name text, columns text, told text[]) ON COMMIT DROP")
    with raw.copy("COPY told FROM STDIN") as copy:
        for identifier, table, columns, lexemes in rows:
            copy.write_row((identifier, table, " ".join(columns), lexemes))
    raw.execute(
        """INSERT INTO catalog.asset (id, source_id, source_name, source_kind, namespace, path, name, kind, status,
             foreign_keys, grants, coverage, version, schema_version, first_seen, last_seen, updated_at, popularity,
             document)
           SELECT id, 's' || (ascii(right(id, 1)) % 8), 'source', 'postgresql', 'n', 'public.' || name || '.' || id,
             name,
             (ARRAY['table', 'table', 'view', 'file'])[1 + ascii(right(id, 1)) % 4], 'active', '[]', '[]', 'census',
             1, 1,
             now(), now(), now(), (ascii(right(id, 1)) * 37) % 1000,
             setweight(to_tsvector('simple', replace(name, '_', ' ')), 'A')
             || setweight(to_tsvector('simple', replace(columns, '_', ' ')), 'B') || array_to_tsvector(told)
           FROM told"""
    )
    raw.execute("TRUNCATE told")


def _vectors(engine: Engine) -> None:
    """Asks the model about every phrase. Vectors go in by one binary COPY and one UPDATE, and are indexed last."""
    begun = time.perf_counter()
    with Session(engine) as session, session.begin():
        session.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        session.execute(text("SET LOCAL statement_timeout = 0"))  # the model may be slow beside other work
        session.execute(text("CREATE TEMP TABLE told (id bigint, vector real[], model text) ON COMMIT DROP"))
        waiting = session.execute(text("SELECT id, text FROM catalog.phrase WHERE vector IS NULL")).all()
        raw = session.connection().connection.cursor()
        with raw.copy("COPY told FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for start in range(0, len(waiting), 2_000):
                some = waiting[start : start + 2_000]
                answer = embed([row.text for row in some])
                assert answer is not None, "the embedding model is missing"
                copy.write(b"".join(_binary(row.id, *each) for row, each in zip(some, _paired(*answer), strict=True)))
            copy.write(struct.pack(">h", -1))
        asked = time.perf_counter()
        session.execute(
            text("UPDATE catalog.phrase p SET vector = t.vector, model = t.model FROM told t WHERE t.id = p.id")
        )
        made = vectors.make_index(session)
    spent = time.perf_counter() - asked
    print(f"{len(waiting):,} phrases: model {asked - begun:.0f} s, writing and index {spent:.0f} s; indexed: {made}")


def _paired(model: str, told: list[tuple[float, ...]]) -> Iterator[tuple[str, tuple[float, ...]]]:
    return ((model, vector) for vector in told)


def _binary(number: int, model: str, vector: tuple[float, ...]) -> bytes:
    """A row of COPY's binary form: a bigint, an array of real (type 700) of one dimension, a text."""
    elements = np.empty(len(vector), [("length", ">i4"), ("number", ">f4")])
    elements["length"], elements["number"] = 4, vector
    array = struct.pack(">iiiii", 1, 0, 700, len(vector), 1) + elements.tobytes()
    name = model.encode()
    return struct.pack(">hiqi", 3, 8, number, len(array)) + array + struct.pack(">i", len(name)) + name


def questions(count: int) -> list[tuple[str, str]]:
    """(kind, question): one word, beginnings, several words, mistyped ones, sentences."""
    chance = random.Random(11)
    made = []
    for number in range(count):
        thing, fact, other = chance.choice(THINGS), chance.choice(FACTS), chance.choice(FACTS)
        kind, asked = [
            ("word", thing), ("beginning", thing[:4]), ("words", f"{thing} {fact} {other}"),
            ("mistyped", thing[:2] + thing[3:] + " " + fact), ("sentence", f"where are {thing}s' {fact} {other}s?"),
        ][number % 5]  # fmt: skip
        made.append((kind, asked))
    return made


def measure(engine: Engine, count: int) -> None:
    """Asks every question once to warm up, then once for the clock."""
    callers = (Caller(principal="admin", permissions=frozenset({"*"})), Caller(principal="someone"))
    took: dict[str, list[float]] = {}
    for warm in (False, True):
        for number, (kind, asked) in enumerate(questions(count)):
            wanted = AssetFilter(kind="table") if number % 3 == 0 else AssetFilter()
            begun = time.perf_counter()
            answer = embed([queries.english(asked)])
            assert answer is not None
            with Session(engine) as session:
                found = queries.search(
                    session, Asked(asked, answer[1][0], answer[0]), wanted, caller=callers[number % 2], limit=21
                )
            if warm:
                took.setdefault(kind, []).append((time.perf_counter() - begun) * 1000)
                took.setdefault("facets", []).append(_facets(engine, asked, callers[number % 2]))
            assert found or kind == "mistyped", asked
    every = [each for kind, told in took.items() if kind != "facets" for each in told]
    print(f"{'question':<12}{'n':>6}{'p50 ms':>10}{'p95 ms':>10}{'most ms':>10}")
    for kind, told in (*sorted(took.items()), ("all searches", every)):
        cuts = quantiles(told, n=100)
        print(f"{kind:<12}{len(told):>6}{cuts[49]:>10.1f}{cuts[94]:>10.1f}{max(told):>10.1f}")


def _facets(engine: Engine, asked: str, caller: Caller) -> float:
    begun = time.perf_counter()
    with Session(engine) as session:
        queries.facets(session, asked, caller=caller)
    return (time.perf_counter() - begun) * 1000


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--folder", type=Path, help="where the catalog is kept for another run; else it is removed")
    given = parser.parse_args(arguments)
    print(machine.describe() + "\n")
    with tempfile.TemporaryDirectory(prefix="bench-search-") as temporary:
        folder = given.folder or Path(temporary)
        known = (folder / "pg").exists()
        server = EmbeddedPostgres(folder / "pg", durable=False)
        server.start()
        try:
            url = server.ensure_database("search")
            upgrade(url)
            engine = make_engine(url)
            if not known:
                load(engine, given.assets)
            measure(engine, given.questions)
            engine.dispose()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
