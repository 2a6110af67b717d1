"""The ground: what every process of a Sextant cluster stands on. It knows no governance group."""
