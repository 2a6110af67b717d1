"""Tables of Delta Lake and Apache Iceberg that lie in folders: read by their logs, file by file.

A table is what its log says: a file that is in the folder and not in the log holds no rows of it. Both formats keep a
data file as it was written, so that its path, its size and the rows deleted from it say what is in it.
"""
