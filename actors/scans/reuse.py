"""Reports that are known already: what of them holds under the rules of a run, and what is left to be scanned."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.scans.contract import ScanRules
from actors.scans.tables import Report, Rules, Run
from cluster.detectors.compile import rule_parts
from cluster.kernels.rebase import rebased, restricted
from cluster.kernels.report import PartitionReport


class Known(NamedTuple):
    """A report of some content. `missing` are the detectors of the run that it says nothing of; none: it will do."""

    id: int
    rows: int
    size: int
    missing: tuple[str, ...]


def keep_rules(session: Session, rules: ScanRules) -> None:
    """Remembers what the digest of the rules stands for, so that later rules can build on their reports.

    Rules that this installation would compile to something else are not: nothing is built on theirs.
    """
    parts = rule_parts(rules.spec)
    if parts.digest == rules.digest:
        row = {"digest": parts.digest, "basis": parts.basis, "detectors": parts.detectors}
        session.execute(insert(Rules).values(row).on_conflict_do_nothing())


def known_reports(session: Session, run: Run, asset_id: str) -> dict[str, Known]:
    """For each content of an asset, by its key, the report that leaves least to be scanned under the run's rules."""
    missing = _missing(session, run.rules_digest)
    statement = select(Report.content_key, Report.id, Report.rows, Report.size, Report.rules_digest).where(
        Report.asset_id == asset_id, Report.rules_digest.in_(missing)
    )
    best: dict[str, Known] = {}
    for row in session.execute(statement):
        known = Known(row.id, row.rows, row.size, missing[row.rules_digest])
        if row.content_key not in best or len(known.missing) < len(best[row.content_key].missing):
            best[row.content_key] = known
    return best


def _missing(session: Session, digest: str) -> dict[str, tuple[str, ...]]:
    """The detectors of the rules `digest` that rules of the same basis lack, by the digest of these."""
    rules = session.get(Rules, digest)
    if rules is None:
        return {digest: ()}
    return {
        other.digest: _lacking(rules.detectors, other.detectors)
        for other in session.scalars(select(Rules).where(Rules.basis == rules.basis))
    }


def _lacking(wanted: dict[str, str], there: dict[str, str]) -> tuple[str, ...]:
    return tuple(sorted(name for name, digest in wanted.items() if there.get(name) != digest))


def completed(session: Session, base_id: int, fresh: PartitionReport, only: Iterable[str]) -> PartitionReport | None:
    """The whole report of a partition of which only some detectors were scanned; None if its base is gone."""
    from actors.scans.evidence import unpacked

    content = session.scalars(select(Report.content).where(Report.id == base_id)).first()
    rules = session.get(Rules, fresh.rules_digest)
    if content is None or rules is None:
        return None
    return rebased(unpacked(content), fresh, rules.detectors.keys() - set(only))


def as_scanned(session: Session, digest: str, reports: Iterable[PartitionReport]) -> Iterable[PartitionReport]:
    """The reports as the rules `digest` would have brought them: without detectors that other rules had."""
    rules = session.get(Rules, digest)
    detectors = rules.detectors.keys() if rules else ()
    return (report if rules is None else restricted(report, detectors, digest) for report in reports)
