"""Which partitions of an asset are read: pure functions of the plan, the level and what is known already."""

import hashlib
import json
import math
from collections.abc import Collection, Sequence

from actors.scans.contract import PartitionState, Sampling
from cluster.connectors.interface import Partition


def content_key(partition: Partition) -> str:
    """Identifies what a partition would show: its content and the columns read of it, in 64 hexadecimal digits.

    The columns count since a renamed column leaves the stored rows, and so the source's fingerprint, as they were.
    """
    text = json.dumps([partition.fingerprint, list(partition.columns)], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sampled(asset_id: str, keys: Sequence[str], share: float) -> set[int]:
    """The positions in `keys` that a sample of `share` (0 to 1) reads: the ones with the lowest SHA-256.

    At least one where there are any, and the same ones whenever the content is the same.
    """
    wanted = min(len(keys), math.ceil(len(keys) * share))
    ranks = [hashlib.sha256(f"{asset_id}\0{key}\0{place}".encode()).digest() for place, key in enumerate(keys)]
    return set(sorted(range(len(keys)), key=ranks.__getitem__)[:wanted])


def first_states(
    asset_id: str, keys: Sequence[str], known: Collection[str], sampling: Sampling
) -> list[PartitionState]:
    """How each partition of an asset begins: cached if its report is known, else pending, or skipped by a sample.

    A known report counts whatever the sampling, inside the sample or not: it costs nothing and says more.
    """
    chosen = range(len(keys)) if sampling.method == "census" else sampled(asset_id, keys, sampling.share)
    return ["cached" if key in known else "pending" if place in chosen else "skipped" for place, key in enumerate(keys)]
