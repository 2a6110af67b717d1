"""SQL databases over SQLAlchemy, cut by ranges of an integer key. SQLite is the one that is read.

What all databases share is in `catalog`, `planning` and `reading`; what only one of them can say
(how it is opened, its key of each table, what marks its content) is a `database.Database`.
"""
