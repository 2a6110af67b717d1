"""Commands that show or change one thing over HTTP."""

from collections.abc import Iterable
from itertools import islice

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cluster.errors import InvalidInput
from serve.cli.connection import connected


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table on a terminal; lines with tabs between the fields elsewhere, for other programs."""
    console = Console()
    if not console.is_terminal:
        for row in rows:
            print("\t".join(str(field) for field in row))
        return
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(escape(str(field)) for field in row))
    console.print(table)


def findings(framework: str | None, verdict: str | None, limit: int) -> None:
    """Findings, `limit` at most."""
    with connected() as sextant:
        found = islice(sextant.findings(framework=framework, verdict=verdict), limit)
        rows = [(one.verdict, one.severity, one.framework, one.control, one.subject_name, one.reason) for one in found]
    show("Findings", ("Verdict", "Severity", "Framework", "Control", "Subject", "Reason"), rows)


def labels(data_class: str | None, state: str | None, limit: int) -> None:
    """Labels, `limit` at most."""
    with connected() as sextant:
        found = islice(sextant.labels(data_class=data_class, state=state), limit)
        rows = [
            (one.asset, one.column, one.data_class, one.sensitivity, f"{one.confidence:.2f}", one.state, one.origin)
            for one in found
        ]
    show("Labels", ("Asset", "Column", "Class", "Sensitivity", "Confidence", "State", "Origin"), rows)


def why(label: str) -> None:
    """The sentence and the figures of an explanation."""
    with connected() as sextant:
        told = sextant.why(label)
    print(told.sentence)
    rows = [(weight.part, f"{weight.weight:+.3f}", "") for weight in told.local.weights]
    rows += [(group, f"{added:+.2f}", "log-odds of the column model") for group, added in told.contributions]
    show("What carries it", ("Part", "Weight", ""), rows)


def create_token(principal: str, roles: list[str], days: int | None) -> None:
    """Prints the secret alone on standard output, so that it can be piped."""
    if not roles:
        raise InvalidInput("A token needs a role.", "Give --role.")
    with connected() as sextant:
        issued = sextant.create_token(principal, roles, days)
    Console(stderr=True).print(f"Token {issued.id} for {escape(principal)}; it is not shown again:")
    print(issued.secret)


def tokens() -> None:
    """All tokens."""
    with connected() as sextant:
        rows = [
            (
                one.id,
                one.principal,
                f"{one.created_at:%Y-%m-%d %H:%M}",
                one.expires_at or "never",
                _state(one.revoked_at),
            )
            for one in sextant.tokens()
        ]
    show("Tokens", ("Id", "Principal", "Created", "Expires", "State"), rows)


def _state(revoked_at: object) -> str:
    return "revoked" if revoked_at else "valid"


def revoke_token(token_id: str) -> None:
    """Revokes one token."""
    with connected() as sextant:
        revoked = sextant.revoke_token(token_id)
    print(f"Token {revoked.id} of {revoked.principal} is revoked.")


def verify_audit() -> int:
    """Says whether the chain is whole; the exit code."""
    with connected() as sextant:
        check = sextant.verify_audit()
    if check.broken_at is None:
        print(f"The audit chain is whole: {check.entries} entries, head {check.head}.")
        return 0
    print(f"The audit chain is broken at entry {check.broken_at}.")
    return 1
