"""Column lineage from SQL: pure logic on text and schemas, without Ray and without a database.

`extract` is the door; `docs/lineage.md` says what it answers and why.
"""
