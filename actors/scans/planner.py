"""Which partitions of an asset are read: pure functions of the plan, the level and what is known already."""

import hashlib
import json
import math
from collections.abc import Collection, Sequence
from typing import Final

from actors.scans.contract import PartitionState, Sampling
from cluster.connectors.interface import Partition

FIRST: Final = 12
"""Partitions that an adaptive scan begins with: one in 32 such scans sees nothing of what a quarter of them hold."""

TIERS: Final = (
    (100_000, 1.0), (1_000_000, 0.5), (10_000_000, 0.1), (100_000_000, 0.05), (1_000_000_000, 0.01), (math.inf, 0.001),
)  # fmt: skip
"""Most rows of an asset with the share of it that a tiered sample reads."""


def content_key(partition: Partition) -> str:
    """Identifies what a partition would show: its content and the columns read of it, in 64 hexadecimal digits.

    The columns count since a renamed column leaves the stored rows, and so the source's fingerprint, as they were.
    """
    text = json.dumps([partition.fingerprint, list(partition.columns)], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def by_chance(asset_id: str, keys: Sequence[str], seed: int) -> list[int]:
    """The positions in `keys` in an order drawn by the seed, which is the same whenever the content is the same."""
    names = [f"{asset_id}\0{key}\0{place}" + (f"\0{seed}" if seed else "") for place, key in enumerate(keys)]
    ranks = [hashlib.sha256(name.encode()).digest() for name in names]
    return sorted(range(len(keys)), key=ranks.__getitem__)


def share_of(sampling: Sampling, rows: int | None) -> float:
    """The share of an asset's partitions, above 0 and at most 1, that a scan begins with; `rows` if they are known."""
    if sampling.method == "tiered":
        return next(share for most, share in TIERS if rows is None or rows <= most)
    return sampling.share if sampling.method == "fraction" else 1.0


def first_states(
    asset_id: str, keys: Sequence[str], known: Collection[str], sampling: Sampling, rows: int | None = None
) -> list[PartitionState]:
    """How each partition of an asset begins: cached if its report is known, else pending, or skipped by a sample.

    A known report counts whatever the sampling, inside the sample or not: it costs nothing and says more. At least one
    partition is in the sample.
    """
    wanted = math.ceil(len(keys) * share_of(sampling, rows))
    if sampling.method == "adaptive":
        wanted = FIRST
    chosen = set(by_chance(asset_id, keys, sampling.seed)[: max(1, wanted)])
    return ["cached" if key in known else "pending" if place in chosen else "skipped" for place, key in enumerate(keys)]
