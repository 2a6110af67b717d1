"""`make bench`: every benchmark in one run, with the machine named.

    python -m tests.benchmarks.run [--quick]

The HTTP part goes against the instance of SEXTANT_URL and SEXTANT_TOKEN if they are set, and else against one that it
starts in a new folder on free ports and takes down again.
"""

import argparse
import os

from tests.benchmarks import bench_cascade, bench_connectors, bench_http, bench_memory, bench_scan, machine
from tests.benchmarks.instance import InstanceFailed, own_instance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, run once: to see that it works")
    quick = parser.parse_args().quick
    print(machine.describe() + "\n")
    bench_scan.main(["--rows", "100000", "--values", "500", "--repeat", "1"] if quick else [])
    print("\nThe cascade and its cache against a naive full pass")
    bench_cascade.main(["--rows", "10000"] if quick else [])
    bench_connectors.main(["--rows", "50000", "--repeat", "1", "--objects", "4000"] if quick else [])
    bench_memory.main()
    brief = ["--seconds", "1"] if quick else []
    if os.environ.get("SEXTANT_URL") and os.environ.get("SEXTANT_TOKEN"):
        bench_http.main(brief)
        return
    try:
        with own_instance() as (url, token, _):
            bench_http.main(["--url", url, "--token", token, *brief])
    except InstanceFailed as reason:
        print(f"\nHTTP: not measured, no instance could be started: {reason}")


if __name__ == "__main__":
    main()
