"""The catalog group."""
