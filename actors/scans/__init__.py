"""The scans group."""
