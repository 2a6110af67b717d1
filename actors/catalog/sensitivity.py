"""The sensitivity of an asset: the highest of its columns, in the order of the taxonomy."""

from collections.abc import Iterable

from cluster.detectors.taxonomy import SENSITIVITIES, most_sensitive


def highest(sensitivities: Iterable[str]) -> str | None:
    """The most sensitive of them, None if there is none. A word that the taxonomy no longer knows is passed over."""
    present = set(sensitivities)
    return most_sensitive(tuple(known for known in SENSITIVITIES if known in present))
