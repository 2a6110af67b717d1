"""Checks on the source as a whole: its connections, its storage, its sign-in, its audit log.

One judgement per source. It concerns a source that holds the data in any asset; the verdict cites the first three such
assets by name, or, where none is known, the first three of which nothing is known. A fact that the source did not
tell is INSUFFICIENT_EVIDENCE. Traffic that stays on the machine (`extra.loopback`) is not in transit: NOT_APPLICABLE.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from actors.compliance.contract import FactKind
from actors.compliance.facts import FactSet
from actors.compliance.judgement import Judgement, Parameters, check, columns_of, how_to_tell
from actors.compliance.scoping import facts_of, in_state, names, on_source, outside_source

NEEDS: tuple[FactKind, ...] = ("source", "asset", "labels", "coverage")


class Told(NamedTuple):
    """What follows from one fact of the source: `good` is the value that passes."""

    fact: str
    good: bool
    passes: str
    fails: str
    unknown: str
    action: str


TLS = Told(
    "tls",
    True,
    "The connection to the source is encrypted with TLS.",
    "The connection to the source is not encrypted.",
    "Whether connections to the source are encrypted is not known.",
    "enable_tls",
)
AT_REST = Told(
    "encrypted_at_rest",
    True,
    "The storage of the source is encrypted.",
    "The storage of the source is not encrypted.",
    "Whether the storage of the source is encrypted is not known.",
    "encrypt_at_rest",
)
PUBLIC = Told(
    "public_access",
    False,
    "The source is not open to the public.",
    "The source is open to the public.",
    "Whether the source is open to the public is not known.",
    "close_public_access",
)
SIGN_IN = Told(
    "authenticated",
    True,
    "The source asks for authentication.",
    "The source lets in whoever asks, without authentication.",
    "Whether the source asks for authentication is not known.",
    "require_authentication",
)
SUPERUSER = Told(
    "superuser",
    False,
    "The account that reads the source is not a superuser.",
    "The account that reads the source is a superuser.",
    "Whether the account that reads the source is a superuser is not known.",
    "use_lesser_account",
)
AUDIT = Told(
    "audit_logging",
    True,
    "The source logs who reads and changes its data.",
    "The source does not log who reads and changes its data.",
    "Whether the source logs who reads and changes its data is not known.",
    "enable_audit",
)


def _judge(facts: FactSet, parameters: Parameters, told: Told) -> Iterable[Judgement]:
    outside = outside_source(facts, parameters)
    if outside is not None:
        yield outside
        return
    value, witnesses = facts.told(told.fact), in_state(facts, parameters, "held")
    where = f" It holds {parameters.data} in {names(witnesses)}."
    source = (facts.source,) if facts.source else ()
    stand = (*source, *facts_of(witnesses))
    columns = columns_of(
        label for asset in witnesses for label in asset.holds(parameters.tags, parameters.unless).labels
    )
    if value is None:
        reason, action = how_to_tell(told.fact)
        yield on_source(facts, "INSUFFICIENT_EVIDENCE", f"{told.unknown}{reason}{where}", stand, action)
    elif bool(value) is told.good:
        yield on_source(facts, "PASS", told.passes + where, stand)
    else:
        yield on_source(facts, "FAIL", told.fails + where, stand, told.action)._replace(columns=columns)


@check("transport.encrypted", Parameters, NEEDS, scope="source")
def encrypted_in_transit(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Data on its way to and from the source is encrypted, unless it never leaves the machine."""
    extra: dict[str, Any] = facts.told("extra") or {}
    if facts.told("tls") or extra.get("loopback") is not True:
        return _judge(facts, parameters, TLS)
    outside = outside_source(facts, parameters)
    if outside is not None:
        return [outside]
    stand = (*((facts.source,) if facts.source else ()), *facts_of(in_state(facts, parameters, "held")))
    reason = "The source is reached on this machine only, so nothing is in transit on a network."
    return [on_source(facts, "NOT_APPLICABLE", reason, stand)]


def _simple(identifier: str, told: Told, promise: str) -> Callable[[FactSet, Parameters], Iterable[Judgement]]:
    def judge(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
        return _judge(facts, parameters, told)

    judge.__doc__ = promise
    return check(identifier, Parameters, NEEDS, scope="source")(judge)


encrypted_at_rest = _simple("storage.encrypted", AT_REST, "The storage under the data is encrypted.")
not_open = _simple("source.not_public", PUBLIC, "The source that holds the data is not open to the public.")
authenticated = _simple("source.authenticated", SIGN_IN, "The source that holds the data asks who is there.")
least_account = _simple("source.lesser_account", SUPERUSER, "The data is read with an account of few rights.")


@check("source.audited", Parameters, NEEDS, scope="source")
def audited(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """The source that holds the data logs who reads and changes it."""
    extra: dict[str, Any] = facts.told("extra") or {}
    told = "audit_logging" in (extra.get("declared") or ()) or extra.get("pgaudit_log")
    for judgement in _judge(facts, parameters, AUDIT):
        if judgement.verdict == "PASS" and extra.get("log_statement") == "mod" and not told:
            # PostgreSQL's log_statement = mod leaves SELECT out, and that pgAudit fills in is not in the facts.
            reason = judgement.reason.replace(AUDIT.passes, "The source logs changes; that it logs reads is not shown.")
            yield judgement._replace(verdict="INSUFFICIENT_EVIDENCE", reason=reason, action=AUDIT.action)
        else:
            yield judgement
