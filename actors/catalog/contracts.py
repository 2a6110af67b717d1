"""Data contracts in force: imported on an asset, checked against it, exported again."""

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from actors.catalog import odcs
from actors.catalog.assets import asset_row
from actors.catalog.contract import (
    QUALITY_TOLD,
    CheckContract,
    ContractResult,
    ContractView,
    ImportContract,
    RemoveContract,
)
from actors.catalog.metrics import points
from actors.catalog.odcs import Terms
from actors.catalog.odcs_rules import OBJECT, Rule, quoted
from actors.catalog.quality import add
from actors.catalog.quality_definitions import checked
from actors.catalog.quality_tables import DataContract, QualityResult, QualityTest
from actors.catalog.tables import Annotation, Asset, AssetColumn, ShownLabel
from cluster.context import Caller
from cluster.errors import InvalidInput, NotFound
from cluster.naming import asset_entity
from cluster.runtime.commands import Done, UnitOfWork
from cluster.security.visibility import visible


def take_in(work: UnitOfWork, command: ImportContract) -> ContractView:
    """Keeps a contract, replacing an older one of its id on the asset, and brings its tests into force."""
    asset = asset_row(work.session, command.asset_id, work.caller)
    body = odcs.parsed(command.text)
    held = odcs.terms(body, command.schema_name)
    identifier = hashlib.sha256(f"{asset.id}\0{body['id']}\0{held.name}".encode()).hexdigest()[:32]
    row = work.session.get(DataContract, identifier)
    before = {"version": row.version, "status": row.status} if row else None
    if row is None:
        row = DataContract(id=identifier, asset_id=asset.id, schema_name=held.name, result=None, checked_at=None)
        work.session.add(row)
    row.version, row.status, row.body = body["version"], body["status"], body
    row.principal, row.updated_at = work.caller.principal, work.now
    work.session.execute(delete(QualityTest).where(QualityTest.contract_id == identifier))
    work.session.flush()
    for rule in _rules(held, asset.path):
        try:
            parameters = checked(rule.definition, rule.column, rule.parameters)
        except InvalidInput as error:
            place = f"of the property '{rule.column[:100]}'" if rule.column else "of the schema"
            raise InvalidInput(
                f"A quality rule {place} of the contract cannot be one: {error.detail}", error.remedy
            ) from None
        add(work, asset.id, rule.definition, rule.column, parameters, origin="contract", contract_id=identifier)
    told = {"path": asset.path, "contract": identifier, "version": row.version, "status": row.status}
    work.emit("contract_imported", asset_entity(asset.id), before, told)
    work.session.flush()
    return _view(work.session, row)


def _rules(held: Terms, path: str) -> list[Rule]:
    """The contract's quality rules, and those that its fields make; `{object}` in SQL is the asset."""
    table = ".".join(quoted(part) for part in path.split("."))
    rules = [
        rule._replace(parameters=rule.parameters | {"sqlExpression": OBJECT.sub(lambda _: table, query)})
        if isinstance(query := rule.parameters.get("sqlExpression"), str) else rule
        for rule in held.rules
    ]  # fmt: skip
    rules += [Rule("columnValuesToBeNotNull", each.name, {}) for each in held.fields if each.required]
    rules += [Rule("columnValuesToBeUnique", each.name, {}) for each in held.fields if each.unique]
    return list({(rule.definition, rule.column, str(rule.parameters)): rule for rule in rules}.values())


def check(work: UnitOfWork, command: CheckContract) -> ContractView:
    """Holds the asset to the contract. A test without a result, or one that was aborted, is undecided, not passed."""
    row, asset = _contract(work.session, command.contract_id, work.caller)
    held = odcs.terms(row.body, row.schema_name)
    columns = dict(
        work.session.execute(select(AssetColumn.name, AssetColumn.type).where(AssetColumn.asset_id == asset.id)).all()
    )
    missing, duplicate, mismatching = odcs.schema_result(held, columns)
    failed, undecided = _tests(work.session, row.id)
    late = _late(work, asset, held)
    semantics = [] if row.status != "retired" else ["the contract is retired"]
    result = ContractResult(
        schema_met=not (missing or duplicate or mismatching), missing_fields=tuple(missing),
        duplicate_fields=tuple(duplicate), type_mismatches=tuple(mismatching), semantics_met=not semantics,
        semantics=tuple(semantics), quality_met=not (failed or undecided), failed_tests=tuple(failed),
        undecided_tests=tuple(undecided), sla_met=not late, sla=tuple(late),
    )  # fmt: skip
    before, row.result, row.checked_at = row.result, result.model_dump(mode="json"), work.now
    if before != row.result:
        work.emit(
            "contract_checked", asset_entity(asset.id), before, {"path": asset.path, "contract": row.id} | row.result
        )
    return _view(work.session, row)


def _tests(session: Session, contract_id: str) -> tuple[list[str], list[str]]:
    failed, undecided = [], []
    for test in session.scalars(select(QualityTest).where(QualityTest.contract_id == contract_id)):
        newest = select(QualityResult.status).where(QualityResult.test_id == test.id)
        status = session.scalars(newest.order_by(QualityResult.at.desc()).limit(1)).first()
        name = f"{test.definition} {test.column}".strip()
        if status == "Failed":
            failed.append(name)
        elif status != "Success":
            undecided.append(name)
    return sorted(failed), sorted(undecided)


def _late(work: UnitOfWork, asset: Asset, held: Terms) -> list[str]:
    if held.most_hours is None:
        return []
    history = points(work.session, asset.id, "", "content")
    if not history:
        return ["it is not known when the content changed"]
    age = work.now - history[-1].at
    if age <= timedelta(hours=held.most_hours):
        return []
    return [f"the content changed {age.total_seconds() / 3600:.1f} hours ago, not within {held.most_hours:g}"]


def remove(work: UnitOfWork, command: RemoveContract) -> Done:
    """Raises NotFound."""
    row, asset = _contract(work.session, command.contract_id, work.caller)
    work.session.execute(delete(QualityTest).where(QualityTest.contract_id == row.id))
    work.emit("contract_removed", asset_entity(asset.id), {"path": asset.path, "contract": row.id}, None)
    work.session.delete(row)
    return Done()


def _contract(session: Session, identifier: str, caller: Caller) -> tuple[DataContract, Asset]:
    row = session.get(DataContract, identifier)
    if row is None:
        raise NotFound("There is no such contract.", "List the contracts to see their ids.")
    return row, asset_row(session, row.asset_id, caller)


def get_contract(session: Session, identifier: str, caller: Caller) -> ContractView:
    """One contract. Raises NotFound."""
    return _view(session, _contract(session, identifier, caller)[0])


def contracts(
    session: Session, caller: Caller, asset_id: str | None = None, after: str | None = None, limit: int = 100
) -> list[ContractView]:
    """Contracts on assets that the caller may see, by id."""
    statement = select(DataContract).where(visible(caller, DataContract.asset_id))
    if asset_id is not None:
        statement = statement.where(DataContract.asset_id == asset_id)
    if after is not None:
        statement = statement.where(DataContract.id > after)
    return [_view(session, row) for row in session.scalars(statement.order_by(DataContract.id).limit(limit))]


def exported(session: Session, identifier: str, caller: Caller) -> dict[str, Any]:
    """The document of a contract as it was imported. Raises NotFound.

    It is what its author wrote: it is given to those who may see its asset.
    """
    return _contract(session, identifier, caller)[0].body


def drafted(session: Session, asset_id: str, caller: Caller) -> dict[str, Any]:
    """A draft contract (ODCS 3.1.0) of an asset, from its columns, labels, words and tests."""
    asset = asset_row(session, asset_id, caller)
    notes = {note.column: note for note in session.scalars(select(Annotation).where(Annotation.asset_id == asset_id))}
    classes = dict(
        session.execute(
            select(ShownLabel.column, func.max(ShownLabel.sensitivity))
            .where(ShownLabel.asset_id == asset_id, ShownLabel.state != "rejected")
            .group_by(ShownLabel.column)
        ).all()
    )
    rows = session.scalars(
        select(AssetColumn).where(AssetColumn.asset_id == asset_id).order_by(AssetColumn.ordinal, AssetColumn.name)
    )
    columns = [
        {
            "name": row.name, "type": row.type, "physical_type": row.physical_type, "nullable": row.nullable,
            "primary_key": row.primary_key, "classification": classes.get(row.name),
            "description": (notes[row.name].description if row.name in notes else None) or row.comment,
        }
        for row in rows
    ]  # fmt: skip
    ours = (QualityTest.enabled, QualityTest.definition != QUALITY_TOLD)
    tests = session.scalars(select(QualityTest).where(QualityTest.asset_id == asset_id, *ours))
    rules = [Rule(test.definition, test.column, test.parameters) for test in tests]
    whole = notes.get("")
    return odcs.written(
        identifier=asset.id, name=asset.name, version=f"{asset.version}.0.0",
        description=(whole.description if whole else None) or asset.comment, owner=whole.owner if whole else None,
        columns=columns, rules=rules,
    )  # fmt: skip


def _view(session: Session, row: DataContract) -> ContractView:
    count = select(func.count()).where(QualityTest.contract_id == row.id)
    return ContractView(
        id=row.id, asset_id=row.asset_id, schema_name=row.schema_name, version=row.version, status=row.status,
        result=ContractResult.model_validate(row.result) if row.result else None, checked_at=row.checked_at,
        tests=session.execute(count).scalar_one(), unsupported=odcs.terms(row.body, row.schema_name).unsupported,
    )  # fmt: skip
