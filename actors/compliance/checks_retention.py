"""Checks on age: whether data is older than its retention allows. The profile of the clock column tells the oldest.

Profiles keep year and month, so the oldest row is somewhere in a month: it fails when that whole month is too old,
passes when none of it is, and in between the evidence does not suffice. Rows without a time are named, and so are
times in the future: neither shows an age. Without a clock column, a file is as old as its last writing.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from actors.compliance.contract import Verdict
from actors.compliance.facts import AssetFacts, FactSet
from actors.compliance.judgement import Judgement, Parameters, check, count
from actors.compliance.scoping import scoped

Said = tuple[Verdict, str, str]  # verdict, reason, action


@check("retention.kept", Parameters, ("asset", "labels", "coverage", "profile", "records"))
def kept(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """No row with the data is older than the period that was set for it, unless a legal hold keeps it."""
    for asset in facts.assets:
        settled = scoped(asset, parameters, asset.stand("profile", "records"))
        yield settled if settled is not None else _kept(asset, parameters, facts.today)


def _kept(asset: AssetFacts, parameters: Parameters, today: date) -> Judgement:
    rule = asset.on_record.get("retention")
    if rule is None:
        said: Said = (
            "INSUFFICIENT_EVIDENCE",
            f"No retention period is on record for its {parameters.data}.",
            "set_period",
        )
    elif asset.on_record.get("holds"):
        said = ("NOT_APPLICABLE", "A legal hold keeps it from being deleted.", "")
    else:
        said = _aged(asset, rule, today)
    verdict, reason, action = said
    return Judgement(asset.subject, asset.name, verdict, reason, (), asset.stand("profile", "records"), action)


def _aged(asset: AssetFacts, rule: dict[str, Any], today: date) -> Said:
    clock = rule.get("clock")
    if clock is None and asset.asset.value.get("modified_at"):
        return _written(str(asset.asset.value["modified_at"]), int(rule["days"]), today)
    columns = (asset.profile.value.get("columns") or {}) if asset.profile else {}
    told = columns.get(clock) if clock else None
    oldest = month(told.get("min")) if told else None
    if told is None or oldest is None:
        what = f"the ages in its column '{clock}' are" if clock else "its age is"
        return "INSUFFICIENT_EVIDENCE", f"It may be kept for {rule['days']} days, and {what} not known.", "scan"
    cutoff = today - timedelta(days=int(rule["days"]))
    named = f"The oldest row by '{clock}' is of {oldest[0]:%Y-%m}, and {rule['days']} days are allowed"
    if oldest[1] < cutoff:
        return "FAIL", f"{named}.", "purge"
    doubt = (
        f"{named}: whether it is too old depends on the day."
        if oldest[0] < cutoff
        else _ageless(told, str(clock), today)
    )
    return ("INSUFFICIENT_EVIDENCE", doubt, "purge") if doubt else ("PASS", f"{named}.", "")


def _written(day: str, days: int, today: date) -> Said:
    """The age of a file is that of its last writing; of a set of files, that of the one not written for longest."""
    written, named = date.fromisoformat(day), f"It was last written on {day}, and {days} days are allowed"
    if written > today:
        return "INSUFFICIENT_EVIDENCE", f"It was last written on {day}, which is in the future and no age.", "scan"
    return ("FAIL", f"{named}.", "purge") if written < today - timedelta(days=days) else ("PASS", f"{named}.", "")


def _ageless(told: dict[str, Any], clock: str, today: date) -> str:
    """Why some rows have no age, in words; empty if all have one."""
    nulls, latest = int(told.get("nulls") or 0), month(told.get("max"))
    if nulls:
        return f"{count(nulls, 'row')} without a time in '{clock}' have no age."
    return f"Its column '{clock}' has times in the future, which are no ages." if latest and latest[0] > today else ""


def month(text: object) -> tuple[date, date] | None:
    """The first and the last day of a blurred time ("2019-03"), None if it is none."""
    parts = str(text or "")[:7].split("-")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]) or not 1 <= int(parts[1]) <= 12:
        return None
    year, number = int(parts[0]), int(parts[1])
    if not 1 <= year <= 9998:
        return None
    following = date(year + number // 12, number % 12 + 1, 1)
    return date(year, number, 1), following - timedelta(days=1)
