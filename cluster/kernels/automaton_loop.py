"""The loop that runs a deterministic automaton over texts (`cluster.kernels.automaton`)."""

import numpy as np

from cluster.kernels.compiled import Byte, Flag, Long, Rank, compiled, read, written

UNKNOWN, DEAD, FOUND, START = 0, 1, 2, 3


@compiled(
    Long(
        read(Byte), read(Long), read(Long), Long, read(Rank), read(Byte), Long, read(Flag), written(Flag), written(Long)
    )
)
def run(data, offsets, rows, first, table, classes, width, ends, flags, missing):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Flags those of the rows, from the `first` on, whose text is matched.

    `table` has `width` entries for each state, one for each class of bytes: where the entries of the next state begin,
    or 0 if that is not known yet. Then the place of the entry is written to `missing`. Gives how many rows are done.
    """
    last, start = np.uint64(FOUND * width), np.uint64(START * width)
    for number in range(first, len(rows)):
        row = rows[number]
        state = start
        entry = state
        # Unsigned indices spare a look at their sign, which is felt here.
        for at in range(np.uint64(offsets[row]), np.uint64(offsets[row + 1])):
            entry = state + np.uint64(classes[data[at]])
            state = np.uint64(table[entry])
            if state <= last:
                break
        if state == 0:
            missing[0] = entry
            return number
        flags[number] = state == last or ends[state // np.uint64(width)]
    return len(rows)
