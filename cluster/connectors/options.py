"""The options of each kind of source: what may stand in a URL's query, and what an owner may declare of a source."""

from collections.abc import Mapping
from typing import Any

from cluster.connectors.interface import SourceFacts
from cluster.errors import InvalidInput

DECLARATIONS = ("encrypted_at_rest", "public_access", "audit_logging", "environment", "region")
WAREHOUSES: Mapping[str, int | None] = {
    "snowflake": None, "bigquery": None, "databricks": 443, "redshift": 5439, "mssql": 1433, "oracle": 1521,
    "trino": 8080,
}  # fmt: skip
"""Kinds that are read by SQLAlchemy (see `warehouse.dialects`), with the port of their servers where there is one."""
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "postgresql": (
        "sslmode", "sslrootcert", "target_session_attrs", "gssencmode", "channel_binding",
        "connect_timeout", "statement_timeout", "query_history", *DECLARATIONS,
    ),
    "mysql": ("sslmode", "sslrootcert", "connect_timeout", "statement_timeout", *DECLARATIONS),
    "sqlite": ("connect_timeout", *DECLARATIONS),
    "duckdb": DECLARATIONS,
    **dict.fromkeys(WAREHOUSES, ("connect_timeout", *DECLARATIONS)),
    "snowflake": ("connect_timeout", "warehouse", "role", *DECLARATIONS),
    "databricks": ("connect_timeout", "http_path", *DECLARATIONS),
    "files": ("endpoint", "allow_http", "anonymous", "header", "delimiter", *DECLARATIONS),
}  # fmt: skip
"""Times are in seconds. `delimiter` is one character or `tab`; `header` is true or false, else it is found out.
`query_history` allows reading the statements that ran."""
_TRUTH = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
_FLAGS = ("allow_http", "anonymous", "header", "query_history", "encrypted_at_rest", "public_access", "audit_logging")
_SECONDS = ("connect_timeout", "statement_timeout")
ACCEPTED_SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def check_options(kind: str, options: Mapping[str, str]) -> None:
    """Raises InvalidInput for an option that this kind of source has not, or a value that it cannot have."""
    for name, value in options.items():
        if name not in OPTIONS[kind]:
            raise InvalidInput(f"There is no option '{name[:40]}'.", f"Accepted are {', '.join(OPTIONS[kind])}.")
        if name in _FLAGS:
            flag(options, name)
        elif name in _SECONDS:
            seconds(options, name, 1)
        elif name == "sslmode" and value not in ACCEPTED_SSLMODES:
            raise InvalidInput("The option 'sslmode' is not valid.", f"Accepted are {', '.join(ACCEPTED_SSLMODES)}.")
        elif name == "delimiter" and value != "tab" and (len(value) != 1 or value in '"\r\n' or ord(value) > 127):
            raise InvalidInput("The option 'delimiter' is not valid.", "Write one ASCII character, or tab.")
        elif name == "endpoint" and not value.startswith(("http://", "https://")):
            raise InvalidInput("The option 'endpoint' is not valid.", "Write http://host:port or https://host.")


def flag(options: Mapping[str, str], name: str) -> bool | None:
    """The truth value of an option; None where it is not given."""
    if name not in options:
        return None
    value = _TRUTH.get(options[name].strip().lower())
    if value is None:
        raise InvalidInput(f"The option '{name}' is neither true nor false.", f"Write {name}=true or {name}=false.")
    return value


def seconds(options: Mapping[str, str], name: str, default: int) -> int:
    """The whole seconds of an option, from 1 to 86400."""
    text = options.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 86_400:
        raise InvalidInput(f"The option '{name}' is not a number of seconds.", "Write a whole number from 1 to 86400.")
    return int(text)


def with_declarations(facts: SourceFacts, options: Mapping[str, str]) -> SourceFacts:
    """The facts, with what the owner declares where the source itself does not tell; `extra.declared` names those."""
    told: dict[str, Any] = {}
    for name in DECLARATIONS:
        if getattr(facts, name) is None and name in options:
            told[name] = flag(options, name) if name in _FLAGS else options[name][:100]
    if not told:
        return facts
    return facts.model_copy(update={**told, "extra": {**facts.extra, "declared": sorted(told)}})
