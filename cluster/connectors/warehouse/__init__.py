"""Warehouses and further databases by SQLAlchemy, each with the dialect of its vendor (an extra each).

What they share is done here in SQL that all of them speak. None says cheaply and alike whether the rows of a table are
still the same, so that every scan reads them again; and a partition is of the moment at which it is read.
"""
