"""Reports that are known already: what of them holds under the rules of a run, and what is left to be scanned."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import ARRAY, String, any_, bindparam, literal, select
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


def known_reports(session: Session, run: Run, asset_id: str, keys: Collection[str]) -> dict[str, Known]:
    """For content of an asset, by its key, the report that leaves least to be scanned under the run's rules.

    A report of the same content in another asset of the source will do: a file or a table that was renamed is not read
    again. The asset is given its own copy, which stays when the other asset's is dropped.
    """
    missing = _missing(session, run.rules_digest)
    best = _best(session, run.source_id, missing, keys, asset_id)
    wanted = [key for key in dict.fromkeys(keys) if key not in best or best[key].missing]
    found = _best(session, run.source_id, missing, wanted, None) if wanted else {}
    better = [known.id for key, known in found.items() if key not in best or known.id != best[key].id]
    if better:
        _copy(session, asset_id, better)
        best = _best(session, run.source_id, missing, keys, asset_id)
    return best


def _best(
    session: Session, source_id: str, missing: dict[str, tuple[str, ...]], keys: Collection[str], asset_id: str | None
) -> dict[str, Known]:
    """The best report of each content among those of an asset, or of all the source."""
    which = bindparam("which", list(keys), ARRAY(String))  # one parameter, however many partitions
    statement = select(Report.content_key, Report.id, Report.rows, Report.size, Report.rules_digest).where(
        Report.source_id == source_id, Report.content_key == any_(which), Report.rules_digest.in_(missing)
    )
    if asset_id is not None:
        statement = statement.where(Report.asset_id == asset_id)
    best: dict[str, Known] = {}
    for row in session.execute(statement.order_by(Report.id)):
        known = Known(row.id, row.rows, row.size, missing[row.rules_digest])
        if row.content_key not in best or len(known.missing) < len(best[row.content_key].missing):
            best[row.content_key] = known
    return best


def _copy(session: Session, asset_id: str, reports: list[int]) -> None:
    """Gives the asset these reports of equal content."""
    same = ("source_id", "rules_digest", "content_key", "rows", "size", "content", "created_at")
    which = bindparam("which", reports, ARRAY(Report.id.type))
    rows = select(literal(asset_id), *(getattr(Report, name) for name in same)).where(Report.id == any_(which))
    session.execute(insert(Report).from_select(["asset_id", *same], rows).on_conflict_do_nothing())


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


def as_scanned(
    session: Session, digest: str, asset: str, reports: Iterable[PartitionReport]
) -> Iterable[PartitionReport]:
    """The reports as the rules `digest` would have brought them of this asset, by its path.

    That is without detectors that other rules had, and under the name that the asset has now.
    """
    rules = session.get(Rules, digest)
    detectors = rules.detectors.keys() if rules else ()
    named = (r if r.asset == asset else r.model_copy(update={"asset": asset}) for r in reports)
    return (report if rules is None else restricted(report, detectors, digest) for report in named)
