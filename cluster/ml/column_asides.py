"""Columns that are about personal data and hold none: whether an address was verified, how many phones there are.

Their names are those of a class with a word behind or before it, their values flags, counts, kinds, moments, rates.
"""

from cluster.ml import column_kinds as kinds
from cluster.ml import column_makers as makers
from cluster.ml import column_people as people
from cluster.ml import column_pools as pools
from cluster.ml.column_forms import Draw
from cluster.ml.column_people import Value

SOURCE = "aside"
_WORDS = {
    "flag": (
        *("{} verified", "{} flag", "has {}", "{} missing", "{} on file", "{} confirmed", "{} provided", "is {} valid"),
        *("{} opt in", "{} required", "{} changed", "no {}", "{} disclosed", "{} match", "{} checked", "show {}"),
        *("{} known", "{} shown", "{} hidden", "{} received", "{} asked", "{} ok", "{} yn", "{} allowed", "{} present"),
        *("{} geprüft", "{} vorhanden", "hat {}", "{} vérifié", "{} verificado", "tiene {}", "{} verificato", "ma {}"),
    ),
    "count": (
        *("{} count", "number of {}s", "{} length", "total {}s", "max {}s", "{} attempts", "{} rank", "num {}"),
        *("{} cnt", "no of {}s", "anzahl {}", "nb {}", "num {}s", "liczba {}", "aantal {}", "{}s total"),
    ),
    "kind": (
        *("{} type", "{} status", "{} source", "{} kind", "{} format", "{} policy", "{} quality", "type of {}"),
        *("{} method", "{} provider", "preferred {} type", "{} category", "{} system", "{} label", "{} class"),
        *("{} typ", "type de {}", "tipo {}", "tipo de {}", "art {}", "rodzaj {}", "soort {}", "{} use", "{} role"),
    ),
    "moment": (
        *("{} updated at", "{} verified at", "{} changed on", "{} check date", "{} modified", "{} synced"),
        *("{} sent on", "{} requested", "{} confirmed on", "{} expires", "{} added", "{} last seen"),
    ),
    "rate": (
        *("{} rate", "{} share", "pct {}", "{} ratio", "{} match score", "avg {}", "mean {}", "{} confidence"),
        *("median {} of area", "avg {} by department", "total {} of unit", "{} budget", "{} statistics", "{} index"),
    ),
}
_KINDS = (
    ("home", "work", "other"), ("primary", "secondary"), ("manual", "import", "api"), ("valid", "invalid", "unknown"),
    ("bounced", "active", "pending"), ("self-reported", "estimated", "official"), ("A", "B", "C"),
    ("internal", "external"),
    ("strict", "normal", "off"), ("new", "old"), ("checking", "savings", "joint"), ("monthly", "weekly", "hourly"),
    ("gmail.com", "yahoo.com", "outlook.com"), ("verified", "failed", "not checked"), ("personal", "business"),
)  # fmt: skip


def aside(draw: Draw, names: list[str]) -> tuple[str, Value]:
    """The name of a column about one of these names, and what makes its values."""
    kind = draw.rng.choice(sorted(_WORDS))
    return draw.rng.choice(_WORDS[kind]).format(draw.rng.choice(names)), _values(kind, draw)


def _values(kind: str, draw: Draw) -> Value:
    if kind == "flag":
        return _flags(draw)
    if kind == "count":
        return kinds.of_numbers(draw.rng.choice(((0, 12, 0), (0, 60, 0), (0, 4000, 0))), draw)
    if kind == "kind":
        return kinds.of_list(draw.rng.choice(_KINDS), draw)
    if kind == "moment":
        return people.days(draw, 2010, 2026, clock=draw.rng.random() < 0.6)
    return kinds.of_numbers(draw.rng.choice(((0, 1, 3), (0, 100, 1), (0, 100_000, 0))), draw)


def _flags(draw: Draw) -> Value:
    if draw.rng.random() < 0.25:
        return makers.of_thing("flag", draw)
    yes, no = draw.rng.choice((("Y", "N"), ("Yes", "No"), ("true", "false"), ("1", "0"), ("T", "F"), ("ja", "nein")))
    typed, share = draw.rng.random(), draw.rng.random()
    if typed < 0.15:
        return lambda: draw.rng.random() < share
    if typed < 0.3:
        return lambda: int(draw.rng.random() < share)
    words = pools.words()["boolean"]
    odd = draw.rng.choice(words) if typed > 0.95 else yes
    return lambda: odd if draw.rng.random() < share else no
