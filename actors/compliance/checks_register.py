"""Checks on the register of processing: whether data is entered in it, and whether the entries are complete.

An entry covers an asset that its targets name, and of it the columns that carry one of its categories. That no entry
covers an asset is INSUFFICIENT_EVIDENCE while no register is kept here at all, since it may be kept elsewhere; with a
register it fails.
"""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from actors.compliance.facts import AssetFacts, Fact, FactSet
from actors.compliance.judgement import Judgement, Parameters, check, columns_of, count, listed
from actors.compliance.scoping import scoped

NEEDS: tuple[Literal["asset", "labels", "coverage", "records"], ...] = ("asset", "labels", "coverage", "records")


class Fields(Parameters):
    """`fields` are the fields that an entry has to have; only entries on data from others if `third_party` is set."""

    fields: tuple[str, ...] = Field(min_length=1)
    third_party: bool = False


class Scale(Parameters):
    """From `rows` rows on, processing is at scale and has to have been assessed."""

    rows: int = Field(10_000, ge=1)


class Contracts(Parameters):
    """One of `contracts` has to be signed with every vendor that an entry names."""

    contracts: tuple[str, ...] = Field(min_length=1)


def entries(asset: AssetFacts) -> list[dict[str, Any]]:
    """The register's entries that cover the asset."""
    found: list[dict[str, Any]] = asset.on_record.get("activities") or []
    return found


def _concerned(
    facts: FactSet, parameters: Parameters
) -> Iterable[tuple[AssetFacts, tuple[Fact, ...], Judgement | None]]:
    """Each asset with the facts to cite, and the judgement if it is settled before any entry is read."""
    kept = (facts.records,) if facts.records else ()
    for asset in facts.assets:
        stand = (*kept, *asset.stand("records"))
        settled = scoped(asset, parameters, stand)
        if settled is None and not entries(asset):
            columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
            held = f"It holds {parameters.data} in {count(len(columns), 'column')}"
            if facts.on_record.get("register"):
                reason = f"{held}, and no entry of the register covers it."
                settled = Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, "enter")
            else:
                reason = f"{held}, and no register is kept here."
                settled = Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, columns, stand, "enter")
        yield asset, stand, settled


@check("register.entered", Parameters, NEEDS)
def entered(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Every column with the data is in an entry of the register."""
    for asset, stand, settled in _concerned(facts, parameters):
        columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
        missing = sorted(set(columns) - {column for entry in entries(asset) for column in entry["columns"]})
        if settled is not None:
            yield settled
        elif missing:
            reason = f"No category of its entries covers {count(len(missing), 'column')} with {parameters.data}: "
            reason += f"{listed(missing)}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, tuple(missing), stand, "enter")
        else:
            named = listed(sorted(entry["name"] for entry in entries(asset)), 3)
            reason = f"Its {parameters.data} are in the register ({named})."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("register.complete", Fields, NEEDS)
def complete(facts: FactSet, parameters: Fields) -> Iterable[Judgement]:
    """The entries that cover the data say all that they have to say."""
    for asset, stand, settled in _concerned(facts, parameters):
        concerned = [one for one in entries(asset) if not parameters.third_party or _from_others(one)]
        lacking = {one["name"]: [name for name in parameters.fields if not one.get(name)] for one in concerned}
        bad = sorted(name for name, fields in lacking.items() if fields)
        if settled is not None:
            yield settled
        elif not concerned:
            reason = "None of its entries is about data that others collected."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), stand)
        elif bad:
            reason = f"The entry '{bad[0]}' lacks {listed([name.replace('_', ' ') for name in lacking[bad[0]]])}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, (), stand, "complete_entry")
        else:
            asked = listed([name.replace("_", " ") for name in parameters.fields])
            reason = f"Its entries ({len(concerned):,}) say {asked}."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


def _from_others(entry: dict[str, Any]) -> bool:
    return bool(entry.get("collected_from") == "third-party")


@check("register.assessed", Scale, NEEDS)
def assessed(facts: FactSet, parameters: Scale) -> Iterable[Judgement]:
    """Processing at scale, or with profiling, rests on an impact assessment that is not due again."""
    for asset, stand, settled in _concerned(facts, parameters):
        rows = (asset.coverage.value.get("rows") if asset.coverage else None) or 0
        found = [entry for entry in entries(asset) if rows >= parameters.rows or entry.get("profiling")]
        lacking = sorted(entry["name"] for entry in found if not entry.get("assessment"))
        due = sorted(
            entry["name"] for entry in found if str((entry.get("assessment") or {}).get("due", "9")) < str(facts.today)
        )
        if not found and (settled is None or settled.verdict == "FAIL"):
            reason = f"It has fewer than {parameters.rows:,} rows, and no entry says that people are profiled."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), stand)
        elif settled is not None:
            yield settled
        elif lacking or due:
            what = f"'{lacking[0]}' has no assessment" if lacking else f"the assessment of '{due[0]}' is due again"
            reason = f"It holds {parameters.data} at scale, and {what}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, (), stand, "assess")
        else:
            reason = f"What is done with its {parameters.data} was assessed ({found[0]['assessment']['reference']})."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("register.contracts", Contracts, NEEDS)
def contracts(facts: FactSet, parameters: Contracts) -> Iterable[Judgement]:
    """A contract that has not run out binds every vendor that receives the data."""
    for asset, stand, settled in _concerned(facts, parameters):
        vendors = [vendor for entry in entries(asset) for vendor in entry.get("vendors") or ()]
        unbound = sorted({one["name"] for one in vendors if not _bound(one, parameters, str(facts.today))})
        if settled is not None:
            yield settled
        elif not vendors:
            reason = "Its entries name nobody outside who receives it."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), stand)
        elif unbound:
            reason = f"{listed(unbound)} receives its {parameters.data} without a contract in force "
            reason += f"({' or '.join(parameters.contracts)})."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, (), stand, "sign_contract")
        else:
            reason = f"Contracts bind {count(len({one['name'] for one in vendors}), 'vendor')} that receive it."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


def _bound(vendor: dict[str, Any], parameters: Contracts, today: str) -> bool:
    signed = set(vendor.get("contracts") or ()) & set(parameters.contracts)
    return bool(signed) and str(vendor.get("expires_at") or "9") >= today


@check("register.purpose_kept", Parameters, (*NEEDS, "flows"), scope="neighbours")
def purpose_kept(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Data flows only to assets whose purposes are among those it was collected for. Judged within the source."""
    for asset, stand, settled in _concerned(facts, parameters):
        allowed = {purpose for entry in entries(asset) for purpose in entry.get("purposes") or ()}
        targets = [facts.by_subject.get(str(flow["asset"])) for flow in _out(asset)]
        consumers = [one for one in targets if one is not None and one.subject != asset.subject]
        cited = (
            *stand,
            *asset.stand("flows")[len(asset.stand()) :],
            *(one.records for one in consumers if one.records),
        )
        strange = [(one, extra) for one in consumers if (extra := _purposes(one) - allowed)]
        if settled is not None:
            yield settled
        elif not consumers:
            reason = "Nothing is known to take its data from it."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), cited)
        elif strange:
            one, extra = strange[0]
            reason = (
                f"{one.name} takes its {parameters.data} for {listed(sorted(extra))}, which is none of its purposes."
            )
            yield Judgement(asset.subject, asset.name, "FAIL", reason, (), cited, "align_purposes")
        else:
            reason = f"What takes its {parameters.data} ({count(len(consumers), 'asset')}) has no other purpose."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), cited)


def _out(asset: AssetFacts) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (asset.flows.value.get("out") or []) if asset.flows else []
    return found


def _purposes(asset: AssetFacts) -> set[str]:
    return {purpose for entry in entries(asset) for purpose in entry.get("purposes") or ()}


@check("register.children", Parameters, (*NEEDS, "profile"))
def children(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Where the data is about children under 16, an adult's consent is on record, or another basis than consent."""
    for asset, stand, settled in _concerned(facts, parameters):
        shown = _under_sixteen(asset, facts)
        cited = (*stand, *((asset.profile,) if asset.profile else ()))
        concerned = [entry for entry in entries(asset) if entry.get("children") or shown]
        lacking = [one for one in concerned if one.get("legal_basis") == "consent" and not one.get("parental_consent")]
        undecided = [one for one in concerned if not one.get("legal_basis")]
        if settled is not None:
            yield settled
        elif not concerned:
            reason = "Neither its values nor its entries say that it is about children."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), cited)
        elif lacking or undecided:
            named = (lacking or undecided)[0]["name"]
            reason = f"It is about children, and '{named}' names neither an adult's consent nor another basis."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, (), cited, "complete_entry")
        else:
            reason = "It is about children, and the basis is on record."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), cited)


def _under_sixteen(asset: AssetFacts, facts: FactSet) -> bool:
    """Whether a column of birth dates or ages shows somebody under 16. Profiles keep year and month, and two digits."""
    columns = (asset.profile.value.get("columns") or {}) if asset.profile else {}
    for label in asset.label_list:
        told = columns.get(label.column) or {}
        if "class:person.birth_date" in label.tags and str(told.get("max") or "")[:4].isdigit():
            if int(str(told["max"])[:4]) > facts.today.year - 16:
                return True
        elif "class:person.age" in label.tags and _number(told.get("min")) < 16:
            return True
    return False


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return 16.0
