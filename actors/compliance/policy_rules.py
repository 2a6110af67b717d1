"""What policies say of a request, where they contradict each other, and where they include each other: pure.

A policy that includes others applies where they do as well. Who asks has to fit every condition that is given: one of
its roles, purposes and regions, and the hours. Of the policies that fit, the highest priority decides; between equal
ones prohibition comes before obligation before permission. Data that a permission governs is denied to whom none
permits it; data that no policy is about is permitted, and the decision says that nothing governs it.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from actors.compliance.contract import AccessRequest, Contradiction, Decision, Effect, Policy, RowFilter
from actors.compliance.contract.policies import Condition
from actors.compliance.facts import AssetFacts, FactSet
from actors.compliance.selecting import columns_of, selects
from cluster.errors import InvalidInput

NAMED = 100
RANK = {"prohibition": 2, "obligation": 1, "permission": 0}


def included(identifier: str, policy: Policy, known: Mapping[str, Policy]) -> list[Policy]:
    """The policy and all that it includes, each once. Raises InvalidInput if one is unknown or includes itself."""
    found: dict[str, Policy] = {}

    def walk(key: str, one: Policy, way: tuple[str, ...]) -> None:
        if key in way:
            names = " -> ".join(known[step].name for step in (*way[way.index(key) :], key))
            raise InvalidInput(f"The policy would include itself ({names}).", "Take one of them out of `includes`.")
        found[key] = one
        for following in one.includes:
            if following not in known:
                raise InvalidInput(f"There is no policy '{following[:64]}' to include.", "List the policies.")
            walk(following, known[following], (*way, key))

    walk(identifier, policy, ())
    return list(found.values())


def concerns(chain: Iterable[Policy], facts: FactSet, asset: AssetFacts, column: str | None) -> bool:
    """Whether the policy, with what it includes, is about the asset, or about that column of it."""
    for policy in chain:
        if not selects(policy.targets, facts, asset):
            return False
        narrowed = policy.targets.tags or policy.targets.classes
        if column is not None and narrowed and column not in columns_of(policy.targets, asset):
            return False
    return True


def fits(chain: Iterable[Policy], request: AccessRequest, now: datetime) -> bool:
    """Whether who asks fits every condition."""
    hour = (request.at or now).astimezone(UTC).hour
    return all(_fits(policy.condition, request, hour) for policy in chain)


def decide(known: Mapping[str, Policy], request: AccessRequest, facts: FactSet, now: datetime) -> Decision:
    """What the policies say of the request. Raises InvalidInput for an asset that the facts do not have."""
    asset = facts.by_subject.get(request.asset_id)
    if asset is None:
        raise InvalidInput("The source has no such asset.", "List the assets of the source.")
    chains = {key: included(key, policy, known) for key, policy in known.items()}
    about = [key for key, chain in sorted(chains.items()) if concerns(chain, facts, asset, request.column)]
    acting = [key for key in about if request.action in known[key].actions]
    fitting = [key for key in acting if fits(chains[key], request, now)]
    guarded = any(known[key].rule == "permission" for key in acting)
    if not fitting:
        if guarded:
            return _decision("deny", (), f"No policy permits to {request.action} it under these conditions.")
        reason = "No policy is about it." if not about else "No policy about it says anything of this."
        return _decision("permit", (), reason).model_copy(update={"governed": bool(about)})
    top = max(known[key].priority for key in fitting)
    leading = [key for key in fitting if known[key].priority == top]
    deciding = max(RANK[known[key].rule] for key in leading)
    by = tuple(key for key in leading if RANK[known[key].rule] == deciding)
    return _outcome(by, tuple(fitting), known)


def denied(reason: str) -> Decision:
    """The decision where it cannot be told what the policies say."""
    return _decision("deny", (), reason)


def contradictions(known: Mapping[str, Policy], estate: Iterable[FactSet]) -> list[Contradiction]:
    """Pairs of a permission and a prohibition of one priority that say opposite things of the same data."""
    chains = {key: included(key, policy, known) for key, policy in known.items()}
    permits = [key for key, policy in sorted(known.items()) if policy.rule != "prohibition"]
    forbids = [key for key, policy in sorted(known.items()) if _denies(policy)]
    pairs = [
        (one, other)
        for one in permits
        for other in forbids
        if known[one].priority == known[other].priority and _clash(chains[one], chains[other])
    ]
    if not pairs:
        return []
    assets: dict[tuple[str, str], list[str]] = {pair: [] for pair in pairs}
    for facts in estate:
        for asset in facts.assets:
            for one, other in pairs:
                if concerns(chains[one], facts, asset, None) and concerns(chains[other], facts, asset, None):
                    assets[one, other].append(asset.name)
    return [_contradiction(known, one, other, sorted(names)) for (one, other), names in assets.items() if names]


def _contradiction(known: Mapping[str, Policy], one: str, other: str, names: list[str]) -> Contradiction:
    actions = tuple(sorted(set(known[one].actions) & set(known[other].actions)))
    reason = (
        f"'{known[one].name}' allows and '{known[other].name}' forbids to {' and '.join(actions)} "
        f"{names[0]}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}, at the same priority: it is forbidden."
    )
    return Contradiction(permission=one, prohibition=other, actions=actions, assets=tuple(names[:NAMED]), reason=reason)


def _denies(policy: Policy) -> bool:
    return policy.rule == "prohibition" and not any(effect.kind == "mask" for effect in policy.effects)


def _clash(one: list[Policy], other: list[Policy]) -> bool:
    """Whether somebody can fit the conditions of both."""
    if not set(one[0].actions) & set(other[0].actions):
        return False
    for name in ("purposes", "regions", "roles"):
        given = [set(getattr(policy.condition, name)) for policy in (*one, *other) if getattr(policy.condition, name)]
        if name != "roles" and given and not set.intersection(*given):
            return False
        # Somebody may have several roles, so that different ones exclude each other only if both sides name some.
        if name == "roles" and len(given) > 1 and not set.intersection(*given):
            return False
    hours = [(p.condition.from_hour or 0, p.condition.until_hour or 24) for p in (*one, *other)]
    return max(start for start, _ in hours) < min(end for _, end in hours)


def _fits(condition: Condition, request: AccessRequest, hour: int) -> bool:
    return (
        (not condition.roles or bool(set(condition.roles) & set(request.roles)))
        and (not condition.purposes or request.purpose in condition.purposes)
        and (not condition.regions or request.region in condition.regions)
        and (condition.from_hour is None or condition.from_hour <= hour < (condition.until_hour or 24))
    )


def _outcome(by: tuple[str, ...], fitting: tuple[str, ...], known: Mapping[str, Policy]) -> Decision:
    names = ", ".join(f"'{known[key].name}'" for key in by)
    masks = [effect for key in by for effect in known[key].effects if effect.kind == "mask"]
    if known[by[0]].rule == "prohibition" and not masks:
        return _decision("deny", by, f"Forbidden by {names}.")
    acting = [effect for key in fitting for effect in known[key].effects]
    duties = tuple(dict.fromkeys(effect for effect in acting if effect.kind in {"log", "notify", "delete_after"}))
    rows = tuple(rows for key in fitting if (rows := known[key].rows) is not None)
    masks = masks or [effect for effect in acting if effect.kind == "mask"]
    if masks:
        told = _decision("mask", by, f"Masked by {names}.", duties, rows)
        return told.model_copy(update={"method": masks[0].method})
    return _decision("permit", by, f"Permitted by {names}.", duties, rows)


def _decision(
    outcome: str, by: tuple[str, ...], reason: str, duties: tuple[Effect, ...] = (), rows: tuple[RowFilter, ...] = ()
) -> Decision:
    return Decision.model_validate(
        {
            "outcome": outcome,
            "method": None,
            "obligations": duties,
            "rows": rows,
            "policies": by,
            "governed": True,
            "reason": reason,
        }
    )
