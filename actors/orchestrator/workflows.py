"""The pipeline, as one table: eight phases, the steps of each, and what every step hands to which group.

A step reads stored state and makes commands of it (`commands`); once they are carried out it is asked until it has
settled (`settled`), which long work has when its run ended. Steps are idempotent: after a crash a step is begun
again, and what was done before is found done. Every phase ends with counters of what it did.
"""

from dataclasses import dataclass

from actors.orchestrator import handoffs_comply as comply
from actors.orchestrator import handoffs_queries as queries
from actors.orchestrator import handoffs_scan as scan
from actors.orchestrator import handoffs_source as source
from actors.orchestrator.steps import Step


@dataclass(frozen=True)
class Phase:
    """`essential`: without it the phases behind it have nothing to stand on, so its failure ends the workflow."""

    name: str
    title: str
    steps: tuple[Step, ...]
    essential: bool = False


PHASES: tuple[Phase, ...] = (
    Phase("connect", "Discover and connect", (source.TEST, source.DISCOVER, source.INVENTORY), essential=True),
    Phase("controls", "Apply controls to known facts", (comply.KNOWN_FACTS, comply.EVALUATE)),
    Phase("classify", "Classify from a sample", (scan.SAMPLE, scan.CLASSIFY)),
    Phase("optimise", "Optimise the order of rules", (scan.ORDER,)),
    Phase("enrich", "Enrich the catalog", (scan.PROFILES, scan.LABELS, scan.LINEAGE, queries.HISTORY)),
    Phase("scan", "Full scan", (scan.CENSUS, scan.CLASSIFY, scan.PROFILES, scan.LABELS)),
    Phase("correlate", "Correlate across groups", (comply.ALL_FACTS, comply.EVALUATE, comply.INSIGHTS)),
    Phase("recommend", "Recommend", (comply.ADVISE,)),
)
