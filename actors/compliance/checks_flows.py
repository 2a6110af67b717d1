"""Checks on where data goes: what takes it from an asset into another source, and how that source is kept.

Known flows are those of lineage. That none leads out of the source is NOT_APPLICABLE: lineage shows what was told.
"""

from collections.abc import Iterable
from typing import Any

from actors.compliance.checks_governance import Transfer
from actors.compliance.contract import FactKind
from actors.compliance.facts import AssetFacts, FactSet
from actors.compliance.judgement import Judgement, Parameters, check, listed
from actors.compliance.scoping import scoped

NEEDS: tuple[FactKind, ...] = ("asset", "labels", "coverage", "flows", "records")


def _leaving(facts: FactSet, asset: AssetFacts) -> list[dict[str, Any]]:
    found = (asset.flows.value.get("out") or []) if asset.flows else []
    return [flow for flow in found if flow.get("source") != facts.source_id and not flow.get("masking")]


@check("flow.encrypted", Parameters, NEEDS)
def encrypted(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """The sources that take the data from here are reached over encrypted connections."""
    for asset in facts.assets:
        stand = asset.stand("flows", "records")
        settled, leaving = scoped(asset, parameters, stand), _leaving(facts, asset)
        plain = sorted({str(flow["source_name"]) for flow in leaving if flow.get("tls") is False})
        unknown = sorted({str(flow["source_name"]) for flow in leaving if flow.get("tls") is None})
        if settled is not None:
            yield settled
        elif not leaving:
            reason = "No flow out of the source is known."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), stand)
        elif plain:
            reason = f"Its {parameters.data} go to {listed(plain)}, whose connections are not encrypted."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, (), stand, "enable_tls")
        elif unknown:
            reason = f"Whether the connections of {listed(unknown)} are encrypted is not known."
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, "establish:tls")
        else:
            names = sorted({str(flow["source_name"]) for flow in leaving})
            reason = f"It flows to {listed(names)} over encrypted connections."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("flow.transfer_basis", Transfer, NEEDS)
def transfer_basis(facts: FactSet, parameters: Transfer) -> Iterable[Judgement]:
    """Data that flows to a source outside the permitted regions does so on a basis that is on record."""
    for asset in facts.assets:
        stand = asset.stand("flows", "records")
        settled, leaving = scoped(asset, parameters, stand), _leaving(facts, asset)
        away = [flow for flow in leaving if str(flow.get("region") or "").lower() not in parameters.inside]
        bases = {str(one["basis"]) for entry in asset.on_record.get("activities") or () for one in entry["transfers"]}
        known = [one for one in away if str(one.get("region") or "").lower().startswith(parameters.outside)]
        if settled is not None:
            yield settled
        elif not leaving:
            reason = "No flow out of the source is known."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), stand)
        elif away and bases & set(parameters.allowed):
            reason = f"Its {parameters.data} leave the area on the basis '{sorted(bases)[0]}'."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)
        elif known:
            reason = f"Its {parameters.data} go to {known[0]['source_name']} in the region '{known[0]['region']}', "
            reason += "and no basis is on record."
            yield Judgement(
                asset.subject, asset.name, "FAIL", reason, (), stand, f"declare_asset:{parameters.declaration}"
            )
        elif away:
            reason = f"The region of {away[0]['source_name']}, where its {parameters.data} go, is not known."
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, "declare:region")
        else:
            reason = "All sources that take data from it lie inside."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)
