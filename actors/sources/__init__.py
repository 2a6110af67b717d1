"""The sources group."""
