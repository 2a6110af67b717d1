"""The compliance group."""
