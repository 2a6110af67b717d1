"""How the rates of a source are shared by those who read it, as pure functions of its budget."""

from actors.scans.contract import Budget
from cluster.connectors.pace import WINDOW_SECONDS, Pace

# A slower share is not worth a worker: it would hold a CPU only to wait.
LEAST_SHARE_BYTES = 64 << 10


def shares(budget: Budget, slots: int) -> int:
    """Into how many shares the rates of a source are cut: as many as it may have readers, unless they get too small.

    A reader may send all the queries of a window at once, and all readers at the same moment: each has one at least.
    So there are no more than the queries that a tenth of a second has room for. A share of a CPU is that of one reader.
    """
    if budget.cpu_share is not None:
        return 1
    most = min(slots, budget.concurrency or slots)
    if budget.queries_per_second is not None:
        most = min(most, int(budget.queries_per_second * WINDOW_SECONDS))
    if budget.bytes_per_second is not None:
        most = min(most, int(budget.bytes_per_second // LEAST_SHARE_BYTES))
    return max(1, most)


def pace_of(budget: Budget, slots: int) -> Pace | None:
    """One share of the rates of a source, None if it has none."""
    if budget.bytes_per_second is None and budget.queries_per_second is None and budget.cpu_share is None:
        return None
    parts = shares(budget, slots)
    size, asked = budget.bytes_per_second, budget.queries_per_second
    return Pace(
        bytes_per_second=size and size / parts,
        queries_per_second=asked and asked / parts,
        cpu_share=budget.cpu_share,
        readers=parts,
    )
