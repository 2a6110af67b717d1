"""sqllineage on statements from standard input, in its own environment: seconds, and how many it has lineage for."""

import json
import sys
import time


def main() -> None:
    from sqllineage.runner import LineageRunner

    texts = json.load(sys.stdin)
    found = 0
    began, used = time.perf_counter(), time.process_time()
    for text in texts:
        try:
            found += bool(LineageRunner(text, dialect=sys.argv[1]).get_column_lineage())
        except Exception:  # what it cannot parse
            continue
    json.dump(
        {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - used,
            "values": len(texts),
            "found": found,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
