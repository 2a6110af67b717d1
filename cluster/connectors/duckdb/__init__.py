"""DuckDB database files, read by DuckDB itself, which is told to touch nothing but the file."""
