"""The commands of the rule sets group."""

from actors.rulesets import queries
from actors.rulesets.contract import DetectorCost, OptimiseOrder, ReviseRuleSet, RuleSetView
from actors.rulesets.tables import RuleSet
from cluster.detectors.compile import compile, load_detector_packs
from cluster.errors import InvalidInput, NotFound
from cluster.runtime.commands import Service, UnitOfWork

service = Service("rulesets")


@service.handles(ReviseRuleSet)
def revise_rule_set(work: UnitOfWork, command: ReviseRuleSet) -> RuleSetView:
    before = queries.latest(work.session, command.name)
    order = before.order if before else []
    rules = compile(command.spec, load_detector_packs(), order)
    if not rules.detectors:
        raise InvalidInput("The rule set selects no detector.", "Widen `include`, or take globs out of `exclude`.")
    spec = command.spec.model_dump(mode="json")
    if before is not None and (before.digest, before.spec) == (rules.digest, spec):
        return RuleSetView.model_validate(before)
    row = RuleSet(
        name=command.name,
        version=before.version + 1 if before else 1,
        spec=spec,
        digest=rules.digest,
        order=list(rules.order),
        detectors=len(rules.detectors),
        created_at=work.now,
        created_by=work.caller.principal,
    )
    work.session.add(row)
    work.session.flush()
    revised = RuleSetView.model_validate(row)
    work.emit("revised", f"ruleset:{row.name}", RuleSetView.model_validate(before) if before else None, revised)
    return revised


@service.handles(OptimiseOrder)
def optimise_order(work: UnitOfWork, command: OptimiseOrder) -> RuleSetView:
    row = queries.latest(work.session, command.name)
    if row is None:
        raise NotFound(f"There is no rule set '{command.name}'.", "List the rule sets to see their names.")
    before = RuleSetView.model_validate(row)
    row.order = ranked(row.order, command.costs)
    work.session.flush()
    after = RuleSetView.model_validate(row)
    if after.order != before.order:
        work.emit("optimised", f"ruleset:{row.name}", {"first": before.order[:5]}, {"first": after.order[:5]})
    return after


def ranked(order: list[str], costs: dict[str, DetectorCost]) -> list[str]:
    """Detectors by validated values per second, the most first; those without a cost keep their order behind.

    A detector that found nothing ranks below all that found something, the cheaper first.
    """

    def rank(detector: str) -> tuple[int, float, str]:
        cost = costs.get(detector)
        if cost is None or not cost.scanned:
            return (2, 0.0, "")
        if not cost.validated:
            return (1, cost.seconds / cost.scanned, detector)
        return (0, -cost.validated / max(cost.seconds, 1e-6), detector)

    return sorted(order, key=rank)
