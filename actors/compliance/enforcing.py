"""What policies become for the roles of a PostgreSQL source: pure.

Carried out are prohibitions of reading (denied, or masked), and row filters, for the roles that their conditions name.
What a database cannot decide is left to `policies/evaluate`, and said: purposes, regions, hours, other actions.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from actors.compliance.contract import Policy
from actors.compliance.facts import FactSet
from actors.compliance.policy_rules import concerns, included
from actors.compliance.selecting import columns_of
from cluster.connectors.postgres.guards import Guard, Method
from cluster.connectors.relation_paths import parts_of
from cluster.errors import InvalidInput


class Compiled(NamedTuple):
    """The guards, the (policy, asset, column) that they mask, and what could not be carried out and why."""

    guards: tuple[Guard, ...]
    masked: tuple[tuple[str, str, str], ...]
    left: tuple[str, ...]


def compile_policies(known: Mapping[str, Policy], chosen: Iterable[str], facts: FactSet) -> Compiled:
    """The guards of the chosen policies over the tables of a source. Raises InvalidInput if there are none."""
    guards: dict[tuple[str, str], Guard] = {}
    masked: set[tuple[str, str, str]] = set()
    left: list[str] = []
    for key in sorted(chosen, key=lambda one: (known[one].priority, one)):
        policy, chain = known[key], included(key, known[key], known)
        why = _unfit(chain)
        if why:
            left.append(f"'{policy.name}': {why}")
            continue
        for asset in facts.assets:
            if asset.asset.value.get("kind") != "table" or not concerns(chain, facts, asset, None):
                continue
            columns = columns_of(policy.targets, asset)
            for role in policy.condition.roles:
                place = (asset.name, role)
                guards[place] = _joined(
                    guards.get(place) or Guard(table=parts_of(asset.name), role=role), policy, columns
                )
            if any(effect.kind == "mask" for effect in policy.effects):
                masked |= {(key, asset.subject, column) for column in columns}
    if not guards:
        reason = " ".join(left) or "None of them is about a table of the source."
        raise InvalidInput(
            f"No policy can be carried out there. {reason}", "Name roles of the database in a condition."
        )
    return Compiled(tuple(guards[place] for place in sorted(guards)), tuple(sorted(masked)), tuple(left))


def _unfit(chain: list[Policy]) -> str:
    policy = chain[0]
    if any(one.condition.purposes or one.condition.regions or one.condition.from_hour is not None for one in chain):
        return "a database does not know purposes, regions and hours."
    if "read" not in policy.actions or (policy.rule != "prohibition" and policy.rows is None):
        return "only what is forbidden to read, and row filters, are carried out."
    return "" if policy.condition.roles else "it names no role."


def _joined(guard: Guard, policy: Policy, columns: tuple[str, ...]) -> Guard:
    """The guard with what the policy adds: denying is more than masking, and a stricter mask stays."""
    mask: Method | None = next((effect.method for effect in policy.effects if effect.kind == "mask"), None)
    rows = guard.rows
    if policy.rows is not None:
        rows = tuple(dict.fromkeys((*rows, (policy.rows.column, policy.rows.values))))
    if policy.rule == "prohibition" and mask is None:
        return guard.model_copy(update={"denied": True})
    masks = guard.masks | (dict.fromkeys(columns, mask) if mask is not None else {})
    return guard.model_copy(update={"masks": masks, "rows": rows})
