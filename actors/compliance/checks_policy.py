"""Checks on policies: whether data is masked, whether an action is forbidden, whether only the authorised may read.

A mask counts where it was applied to the source and verified there. That there is no policy is INSUFFICIENT_EVIDENCE,
since an application may mask by itself; a policy that was not applied fails.
"""

from collections.abc import Iterable
from typing import Any, Literal

from actors.compliance.checks_access import READ, reported, unreported
from actors.compliance.contract import FactKind
from actors.compliance.facts import AssetFacts, FactSet
from actors.compliance.judgement import Judgement, Parameters, check, columns_of, count, listed
from actors.compliance.scoping import scoped

NEEDS: tuple[FactKind, ...] = ("asset", "labels", "coverage", "records")


class Forbidden(Parameters):
    """`action` is what a prohibition has to forbid."""

    action: Literal["read", "write", "export", "join", "retain", "delete"]


def _policies(asset: AssetFacts) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asset.on_record.get("policies") or []
    return found


@check("policy.masked", Parameters, NEEDS)
def masked(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Whoever does not need the data in the clear sees it masked."""
    for asset in facts.assets:
        stand = asset.stand("records")
        settled = scoped(asset, parameters, stand)
        masks = [policy for policy in _policies(asset) if "mask" in policy["effects"]]
        columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
        applied = {column for policy in masks if policy["applied"] for column in policy["columns"]}
        missing = sorted(set(columns) - applied)
        if settled is not None:
            yield settled
        elif not masks:
            reason = f"It holds {parameters.data} in {listed(columns)}, and no policy masks them."
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, columns, stand, "mask_policy")
        elif missing:
            reason = f"The policy '{masks[0]['name']}' masks, and is not in force on {listed(missing)}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, tuple(missing), stand, "apply_policy")
        else:
            reason = (
                f"Its {parameters.data} are masked for {listed(sorted({r for p in masks for r in p['roles']}), 3)}."
            )
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("policy.forbidden", Forbidden, NEEDS)
def forbidden(facts: FactSet, parameters: Forbidden) -> Iterable[Judgement]:
    """A policy forbids the action on the data, and none of its rank allows it."""
    for asset in facts.assets:
        stand = asset.stand("records")
        settled = scoped(asset, parameters, stand)
        columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
        concerned = [policy for policy in _policies(asset) if parameters.action in policy["actions"]]
        forbids = [policy for policy in concerned if policy["rule"] == "prohibition"]
        rank = max((policy["priority"] for policy in forbids), default=-1)
        allows = [one for one in concerned if one["rule"] == "permission" and one["priority"] >= rank]
        if settled is not None:
            yield settled
        elif allows:
            reason = f"The policy '{allows[0]['name']}' allows to {parameters.action} its {parameters.data}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, "forbid_policy")
        elif not forbids:
            reason = f"It holds {parameters.data}, and no policy says who may {parameters.action} them."
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, columns, stand, "forbid_policy")
        else:
            reason = f"The policy '{forbids[0]['name']}' forbids to {parameters.action} its {parameters.data}."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("access.authorised", Parameters, ("source", *NEEDS))
def authorised(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Only those to whom a policy permits it have been granted to read the data."""
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        stand = (*source, *asset.stand("records"))
        settled = scoped(asset, parameters, stand)
        permits = [one for one in _policies(asset) if one["rule"] == "permission" and "read" in one["actions"]]
        allowed = {role for policy in permits for role in policy["roles"]}
        grants = asset.asset.value.get("grants") or []
        readers = {str(one.get("grantee")) for one in grants if str(one.get("privilege", "")).upper() in READ}
        strangers = sorted(readers - allowed - {str(asset.asset.value.get("db_owner"))})
        columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
        if settled is not None:
            yield settled
        elif not permits:
            reason = f"It holds {parameters.data}, and no policy says who may read them."
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, columns, stand, "permit_policy")
        elif not reported(facts, asset):
            yield unreported(asset, stand)
        elif strangers:
            reason = f"Reading was granted to {count(len(strangers), 'principal')} whom no policy permits it: "
            reason += f"{listed(strangers)}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, "revoke_strangers")
        else:
            reason = f"All of the {count(len(readers), 'reader')} of its {parameters.data} are permitted by policy."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)
