"""Taking in a glossary from a file: all of it in one transaction, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from actors.catalog import glossary_csv, glossary_skos
from actors.catalog.contract import CatalogReceipt, DefineTerm, ImportGlossary, RelateTerms
from actors.catalog.glossary import ALLOWED, KIND, define, relate, state_of, term_row
from actors.catalog.glossary_csv import TermLine
from actors.catalog.glossary_tables import Term
from actors.catalog.history import bump
from actors.catalog.tables import Asset
from cluster.errors import InvalidInput, SextantError
from cluster.runtime.commands import UnitOfWork


def take_in(work: UnitOfWork, command: ImportGlossary) -> CatalogReceipt:
    """Raises InvalidInput that names the line or the concept for what cannot be taken in."""
    lines = (
        glossary_csv.read(command.text) if command.format == "csv" else glossary_skos.read(command.text, command.format)
    )
    first: dict[str, int] = {}
    for line in lines:
        if first.setdefault(line.name, line.line) != line.line:
            raise InvalidInput(f"Entries {first[line.name]} and {line.line} have one name.", "Give each term one line.")
    before = _versions(work)
    ids: dict[str, str] = {}
    for line in lines:
        with _about(line):
            ids[line.name] = define(work, _definition(line)).id
    for line in lines:
        with _about(line):
            _place(work, line, ids)
    work.session.flush()
    after = _versions(work)
    changed = sum(before.get(identifier) != after[identifier] for identifier in ids.values())
    return CatalogReceipt(entries=len(lines), changed=changed)


@contextmanager
def _about(line: TermLine) -> Iterator[None]:
    """An error of what is done for a line says which line it was."""
    try:
        yield
    except SextantError as error:
        raise InvalidInput(f"Entry {line.line}: {error.detail}", error.remedy) from None
    except ValueError:
        raise InvalidInput(f"Entry {line.line}: a text is too long or cannot be kept.", "Shorten it.") from None


def _definition(line: TermLine) -> DefineTerm:
    return DefineTerm(name=line.name, definition=line.definition or None, abbreviations=line.abbreviations)


def _place(work: UnitOfWork, line: TermLine, ids: dict[str, str]) -> None:
    """Parent, relations and state, when all terms are there."""
    if line.parent:
        define(work, DefineTerm(name=line.name, parent_id=_id(work, line.parent, ids)))
    for relation, other in line.relations:
        order = {"term_id": ids[line.name], "relation": relation, "to_term": _id(work, other, ids)}
        relate(work, RelateTerms.model_validate(order))
    if line.status:
        if line.status not in ALLOWED:
            raise InvalidInput("The state is not known.", f"Choose from: {', '.join(ALLOWED)}.")
        _move(work, ids[line.name], line.status)


def _move(work: UnitOfWork, identifier: str, status: str) -> None:
    """Sets the state that a file tells. Nobody approves by importing: what is new to be approved goes to review."""
    term = state_of(work.session, identifier)
    if status == "approved" and term.status != "approved" and not work.caller.sees_all:
        status, term.proposed_by = "in_review", work.caller.principal
    if term.status != status:
        bump(work, term_row(work.session, identifier, work.caller), {"term.status": (term.status, status)}, "human")
        term.status = status


def _id(work: UnitOfWork, name: str, ids: dict[str, str]) -> str:
    if name in ids:
        return ids[name]
    known = select(Asset.id).where(Asset.kind == KIND, Asset.name == name)
    found = work.session.scalars(known).first()
    if found is None:
        raise InvalidInput("It names a term that is neither in the text nor in the catalog.", "Add that term.")
    return found


def _versions(work: UnitOfWork) -> dict[str, int]:
    return dict(work.session.execute(select(Asset.id, Asset.version).join(Term, Term.asset_id == Asset.id)).all())
