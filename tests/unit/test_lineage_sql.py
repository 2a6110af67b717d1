"""Column lineage of SQL: one table of statements, each with every edge that it must give and no other."""
# ruff: noqa: E501 - a statement or its edges on one line read better than broken ones

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from cluster.lineage.extract import Edge, extract

SCHEMA = {
    "public": {
        "customers": {"id": "integer", "email": "text", "Name": "text", "ssn": "text", "doc": "jsonb"},
        "orders": {"id": "integer", "customer_id": "integer", "amount": "numeric", "placed": "date"},
        "spend": {"customer_id": "integer", "total": "numeric"},  # a view: other views read it like a table
        "Odd Table": {"Odd.Column": "text", "plain": "text"},
    },
    "crm": {"leads": {"id": "integer", "email": "text"}, "orders": {"id": "integer", "note": "text"}},
}


FLAT = {f'{schema}."{table}"': columns for schema, tables in SCHEMA.items() for table, columns in tables.items()}
Told = tuple[tuple[str, ...], str | None, str | None, str, str, bool, float]


def edge(line: str) -> Told:
    """`customers.email > e TRANSFORMATION masked 0.5`: a `*` is the table, or the output, as a whole."""
    start, _, rest = line.partition(" > ")
    target, subtype, *more = rest.split()
    table, _, column = start.rpartition(".")
    path = tuple(table.split(".")) if table.startswith("crm.") else ("public", table)
    direct = subtype in {"IDENTITY", "TRANSFORMATION", "AGGREGATION"}
    figures = [float(word) for word in more if word not in ("masked", "star")]
    star = "*" if "star" in more else None
    return (
        path, star if column == "*" else column, star if target == "*" else target,
        "DIRECT" if direct else "INDIRECT", subtype, "masked" in more, figures[0] if figures else 1.0,
    )  # fmt: skip


def told(edge: Edge) -> Told:
    return (
        edge.from_table,
        edge.from_column,
        edge.to_column,
        edge.transformation,
        edge.subtype,
        edge.masking,
        edge.confidence,
    )


def edges(sql: str) -> list[Told]:
    return [told(edge) for edge in extract(sql, "postgres", FLAT, None, ("public", "crm")).edges]


STATEMENTS = {
    "identity and rename": (
        "SELECT id, email AS mail FROM customers", ["customers.id > id IDENTITY", "customers.email > mail IDENTITY"]),
    "star is expanded": (
        "SELECT * FROM spend", ["spend.customer_id > customer_id IDENTITY", "spend.total > total IDENTITY"]),
    "star of one of two tables": (
        "SELECT s.* FROM spend s CROSS JOIN customers c",
        ["spend.customer_id > customer_id IDENTITY", "spend.total > total IDENTITY", "customers.* > * JOIN"]),
    "case folding": ("SELECT EMAIL FROM Customers", ["customers.email > email IDENTITY"]),
    "quoted identifiers keep their case": (
        'SELECT "Name" AS "N", c."Name" n FROM customers c', ["customers.Name > N IDENTITY", "customers.Name > n IDENTITY"]),
    "quoted names with blanks": ('SELECT plain FROM "Odd Table"', ["Odd Table.plain > plain IDENTITY"]),
    "expression": (
        "SELECT lower(email) || ssn AS x FROM customers",
        ["customers.email > x TRANSFORMATION", "customers.ssn > x TRANSFORMATION"]),
    "cast": ("SELECT id::text AS t FROM customers", ["customers.id > t TRANSFORMATION"]),
    "literal": ("SELECT 1 AS one, 'x' AS two", []),
    "join and filter": (
        "SELECT c.email, o.amount FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.placed > '2020-01-01'",
        ["customers.email > email IDENTITY", "orders.amount > amount IDENTITY", "orders.customer_id > * JOIN",
         "customers.id > * JOIN", "orders.placed > * FILTER"]),
    "joins in parentheses, as PostgreSQL prints them": (
        "SELECT o.amount, c.email FROM ((orders o JOIN spend s USING (customer_id)) LEFT JOIN customers c ON ((c.id = o.id)))",
        ["orders.amount > amount IDENTITY", "customers.email > email IDENTITY", "orders.customer_id > * JOIN",
         "spend.customer_id > * JOIN", "customers.id > * JOIN", "orders.id > * JOIN"]),
    "named window": (
        "SELECT max(amount) OVER w AS m FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY placed)",
        ["orders.amount > m AGGREGATION", "orders.customer_id > m WINDOW", "orders.placed > m WINDOW"]),
    "rows from functions": ("SELECT t.a FROM ROWS FROM (generate_series(1, 2)) AS t(a)", []),
    "unqualified names in a join": (
        "SELECT email, amount FROM customers JOIN orders ON customer_id = customers.id",
        ["customers.email > email IDENTITY", "orders.amount > amount IDENTITY", "orders.customer_id > * JOIN",
         "customers.id > * JOIN"]),
    "join using": (
        "SELECT customer_id, total FROM orders JOIN spend USING (customer_id)",
        ["orders.customer_id > customer_id TRANSFORMATION", "spend.customer_id > customer_id TRANSFORMATION",
         "spend.total > total IDENTITY", "orders.customer_id > * JOIN", "spend.customer_id > * JOIN"]),
    "group by and aggregate": (
        "SELECT customer_id, sum(amount) AS total FROM orders GROUP BY customer_id HAVING max(placed) > '2020-01-01'",
        ["orders.customer_id > customer_id IDENTITY", "orders.amount > total AGGREGATION", "orders.customer_id > * GROUP_BY",
         "orders.placed > * FILTER"]),
    "group and order by position and alias": (
        "SELECT placed AS day, avg(amount) AS a FROM orders GROUP BY 1 ORDER BY a",
        ["orders.placed > day IDENTITY", "orders.amount > a AGGREGATION", "orders.placed > * GROUP_BY", "orders.amount > * SORT"]),
    "a count shows no value": (
        "SELECT count(*) AS n, count(DISTINCT email) AS m FROM customers",
        ["customers.* > n AGGREGATION masked", "customers.email > m AGGREGATION masked"]),
    "filtered, ordered and ordered-set aggregates": (
        "SELECT sum(amount) FILTER (WHERE id > 3) AS s, string_agg(id::text, ',' ORDER BY placed) AS l, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) AS p FROM orders",
        ["orders.amount > s AGGREGATION", "orders.id > s CONDITIONAL", "orders.id > l AGGREGATION", "orders.placed > l SORT",
         "orders.amount > p AGGREGATION"]),
    "window": (
        "SELECT row_number() OVER (PARTITION BY customer_id ORDER BY placed) AS r, "
        "sum(amount) OVER (PARTITION BY customer_id) AS s, lag(amount) OVER (ORDER BY id) AS b FROM orders",
        ["orders.customer_id > r WINDOW", "orders.placed > r WINDOW", "orders.amount > s AGGREGATION",
         "orders.customer_id > s WINDOW", "orders.amount > b TRANSFORMATION", "orders.id > b WINDOW"]),
    "case": (
        "SELECT CASE WHEN amount > 10 THEN customer_id ELSE id END AS z FROM orders",
        ["orders.amount > z CONDITIONAL", "orders.customer_id > z TRANSFORMATION", "orders.id > z TRANSFORMATION"]),
    "case with an operand": (
        "SELECT CASE customer_id WHEN 1 THEN amount END AS z FROM orders",
        ["orders.customer_id > z CONDITIONAL", "orders.amount > z TRANSFORMATION"]),
    "coalesce": (
        "SELECT coalesce(email, ssn) AS v FROM customers",
        ["customers.email > v TRANSFORMATION", "customers.ssn > v TRANSFORMATION"]),
    "common table expression": (
        "WITH a AS (SELECT id, lower(email) AS e FROM customers WHERE ssn IS NOT NULL), b AS (SELECT e FROM a) SELECT e FROM b",
        ["customers.email > e TRANSFORMATION", "customers.ssn > * FILTER"]),
    "common table expression named as a table": (
        "WITH orders AS (SELECT email AS amount FROM customers) SELECT amount FROM orders", ["customers.email > amount IDENTITY"]),
    "columns named by the common table expression": (
        "WITH a (x, y) AS (SELECT id, email FROM customers) SELECT y FROM a", ["customers.email > y IDENTITY"]),
    "recursive": (
        "WITH RECURSIVE t (i, n) AS (SELECT id, 1 FROM customers UNION ALL "
        "SELECT o.customer_id, t.n + 1 FROM t JOIN orders o ON o.id = t.i) SELECT i FROM t",
        ["customers.id > i IDENTITY", "orders.customer_id > i IDENTITY", "orders.id > * JOIN", "customers.id > * JOIN", "orders.customer_id > * JOIN"]),
    "union by position": (
        "SELECT id, email FROM customers UNION ALL SELECT id, note FROM crm.orders UNION SELECT id, email FROM leads",
        ["customers.id > id IDENTITY", "crm.orders.id > id IDENTITY", "crm.leads.id > id IDENTITY",
         "customers.email > email IDENTITY", "crm.orders.note > email IDENTITY", "crm.leads.email > email IDENTITY"]),
    "except only filters": (
        "SELECT id FROM customers EXCEPT SELECT customer_id FROM orders",
        ["customers.id > id IDENTITY", "orders.customer_id > id FILTER"]),
    "derived table": (
        "SELECT d.t FROM (SELECT customer_id AS c, sum(amount) AS t FROM orders GROUP BY customer_id) d WHERE d.c > 0",
        ["orders.amount > t AGGREGATION", "orders.customer_id > * GROUP_BY", "orders.customer_id > * FILTER"]),
    "star of a derived table": (
        "SELECT * FROM (SELECT * FROM spend) s",
        ["spend.customer_id > customer_id IDENTITY", "spend.total > total IDENTITY"]),
    "scalar subquery": (
        "SELECT (SELECT max(o.amount) FROM orders o WHERE o.customer_id = c.id) AS m FROM customers c",
        ["orders.amount > m AGGREGATION", "orders.customer_id > m FILTER", "customers.id > m FILTER"]),
    "in and exists": (
        "SELECT email FROM customers c WHERE id IN (SELECT customer_id FROM spend WHERE total > 1) "
        "AND EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)",
        ["customers.email > email IDENTITY", "customers.id > * FILTER", "spend.customer_id > * FILTER",
         "spend.total > * FILTER", "orders.customer_id > * FILTER"]),
    "lateral": (
        "SELECT l.a FROM customers c CROSS JOIN LATERAL (SELECT amount AS a FROM orders o WHERE o.customer_id = c.id) l",
        ["orders.amount > a IDENTITY", "orders.customer_id > * FILTER", "customers.id > * FILTER"]),
    "rows of a function": (
        "SELECT u.part FROM customers, unnest(string_to_array(email, '@')) AS u(part)",
        ["customers.email > part TRANSFORMATION"]),
    "generated rows": ("SELECT s.n FROM spend, generate_series(1, 3) AS s(n)", ["spend.* > * JOIN"]),
    "values": ("SELECT v.x FROM (VALUES (1), (2)) AS v(x)", []),
    "distinct on": (
        "SELECT DISTINCT ON (customer_id) amount FROM orders ORDER BY customer_id, placed DESC",
        ["orders.amount > amount IDENTITY", "orders.customer_id > * GROUP_BY", "orders.customer_id > * SORT",
         "orders.placed > * SORT"]),
    "json": ("SELECT doc ->> 'phone' AS p FROM customers", ["customers.doc > p TRANSFORMATION"]),
    "whole row": (
        "SELECT s AS r FROM spend s", ["spend.customer_id > r TRANSFORMATION", "spend.total > r TRANSFORMATION"]),
    "view over a view": ("SELECT total * 2 AS d FROM spend", ["spend.total > d TRANSFORMATION"]),
    "search path": ("SELECT id FROM orders", ["orders.id > id IDENTITY"]),
    "the only schema that has it": ("SELECT email FROM leads", ["crm.leads.email > email IDENTITY"]),
    "database in front": ("SELECT email FROM public.customers", ["customers.email > email IDENTITY"]),
    "create view with names": (
        "CREATE VIEW v (a, b) AS SELECT id, email FROM customers", ["customers.id > a IDENTITY", "customers.email > b IDENTITY"]),
    "insert": (
        "INSERT INTO spend (total, customer_id) SELECT amount, id FROM orders",
        ["orders.amount > total IDENTITY", "orders.id > customer_id IDENTITY"]),
    "hash": (
        "SELECT md5(email) AS h, encode(sha256(ssn::bytea), 'hex') AS s, crypt(ssn, 'salt') AS c, digest(email, 'sha1') AS d "
        "FROM customers",
        ["customers.email > h TRANSFORMATION masked", "customers.ssn > s TRANSFORMATION masked",
         "customers.ssn > c TRANSFORMATION masked", "customers.email > d TRANSFORMATION masked"]),
    "part of a value": (
        "SELECT \"left\"(ssn, 3) AS l, '***' || right(ssn, 4) AS r, substring(ssn FROM 1 FOR 3) AS s, "
        "overlay(ssn PLACING '***' FROM 1 FOR 3) AS o, regexp_replace(ssn, '[0-9]', '*', 'g') AS x FROM customers",
        [f"customers.ssn > {name} TRANSFORMATION masked" for name in "lrsox"]),
    "masked and shown beside": (
        "SELECT md5(email) || email AS both FROM customers", ["customers.email > both TRANSFORMATION"]),
    "masked further down": (
        "WITH h AS (SELECT md5(email) AS e FROM customers) SELECT upper(e) AS e FROM h",
        ["customers.email > e TRANSFORMATION masked"]),
    "table nobody knows": ("SELECT u.x FROM unknown u", ["unknown.x > x IDENTITY 0.9"]),
    "star of a table nobody knows": ("SELECT * FROM unknown", ["unknown.* > * IDENTITY 0.3 star"]),
    "name of either table": (
        "SELECT x FROM unknown JOIN other ON true", ["unknown.x > x IDENTITY 0.25", "other.x > x IDENTITY 0.25"]),
    "column nobody knows": ("SELECT gone FROM spend", ["spend.gone > gone IDENTITY 0.5"]),
    "not SQL": ("SELEC email FROM customers )) JOIN crm.leads", ["customers.* > * TRANSFORMATION 0.3", "crm.leads.* > * TRANSFORMATION 0.3"]),
    "nothing": ("", []),
}  # fmt: skip


SCRAPS = [
    "SELECT",
    "FROM",
    "WHERE",
    "JOIN",
    "ON",
    "(",
    ")",
    ",",
    "*",
    "customers",
    "orders",
    "c.",
    "email",
    "id",
    "AS",
    "x",
]
SCRAPS += ["WITH", "UNION", "CASE", "WHEN", "END", "OVER", "GROUP", "BY", "'a'", '"', ";", "--", "\0", "LATERAL"]


@pytest.mark.parametrize("case", STATEMENTS)
def test_every_edge_of_a_statement_and_no_other(case: str) -> None:
    sql, lines = STATEMENTS[case]
    assert set(edges(sql)) == {edge(line) for line in lines}


def test_edges_are_in_an_order_that_does_not_change() -> None:
    sql = STATEMENTS["in and exists"][0]
    assert edges(sql) == edges(sql)


@limits(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(SCRAPS), max_size=25).map(" ".join) | st.text(max_size=60))
def test_no_text_makes_it_raise(sql: str) -> None:
    for found in extract(sql, "postgres", FLAT).edges:
        assert 0 < found.confidence <= 1


def test_what_is_nested_too_deeply_is_an_error_with_its_place_and_a_guess() -> None:
    deep = "SELECT " + "(" * 30_000 + "email" + ")" * 30_000 + " FROM customers; SELECT id FROM orders"
    found = extract(deep, "postgres", FLAT, None, "public")
    assert {told(edge)[:2] for edge in found.edges} == {(("public", "customers"), None), (("public", "orders"), "id")}
    assert [(problem.line, problem.statement) for problem in found.problems] == [(1, 0)]
