"""The classification group."""
