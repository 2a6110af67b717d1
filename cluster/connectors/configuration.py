"""What can be set about a source of each kind, as JSON Schema (2020-12), from which forms are drawn.

A schema describes an object with `url`, `options` and `credential`, as a source is registered. `url` names neither
options nor a password; `writeOnly` marks what is sealed and never returned.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from cluster.connectors.options import ACCEPTED_SSLMODES, DECLARATIONS, OPTIONS
from cluster.connectors.warehouse.dialects import DIALECTS, Dialect

Schema = dict[str, Any]
_FLAG: Schema = {"enum": ["true", "false"]}
_SECONDS: Schema = {"type": "string", "pattern": r"^[1-9]\d{0,4}$"}
_OPTIONS: Mapping[str, Schema] = {
    "sslmode": {"enum": list(ACCEPTED_SSLMODES), "title": "TLS", "description": "How the connection is encrypted."},
    "sslrootcert": {"type": "string", "title": "Certificates", "description": "Path of a PEM file on the workers."},
    "target_session_attrs": {"enum": ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]},
    "gssencmode": {"enum": ["disable", "prefer", "require"]},
    "channel_binding": {"enum": ["disable", "prefer", "require"]},
    "connect_timeout": {**_SECONDS, "title": "Time to connect", "description": "Seconds."},
    "statement_timeout": {**_SECONDS, "title": "Time of a statement", "description": "Seconds."},
    "query_history": {
        **_FLAG, "title": "Read the query history",
        "description": "What statements fill, as pg_stat_statements keeps them, becomes lineage with each workflow.",
    },
    "warehouse": {"type": "string", "maxLength": 200, "title": "Virtual warehouse"},
    "role": {"type": "string", "maxLength": 200, "title": "Role"},
    "http_path": {"type": "string", "maxLength": 500, "title": "HTTP path of the SQL warehouse"},
    "endpoint": {
        "type": "string", "format": "uri", "pattern": "^https?://", "title": "Endpoint",
        "description": "Where a store that is not the vendor's own answers.",
    },
    "allow_http": {**_FLAG, "title": "Without TLS"},
    "anonymous": {**_FLAG, "title": "Without credential"},
    "header": {**_FLAG, "title": "CSV has a header", "description": "Found out where it is not said."},
    "delimiter": {
        "anyOf": [{"const": "tab"}, {"type": "string", "pattern": r'^[\x20-\x7e]$', "not": {"const": '"'}}],
        "title": "Delimiter of CSV", "description": "One ASCII character, or tab; found out where it is not said.",
    },
    "encrypted_at_rest": {**_FLAG, "title": "Encrypted at rest"},
    "public_access": {**_FLAG, "title": "Open to everybody"},
    "audit_logging": {**_FLAG, "title": "Access is logged"},
    "environment": {"type": "string", "maxLength": 100, "title": "Environment", "examples": ["production"]},
    "region": {"type": "string", "maxLength": 100, "title": "Region", "examples": ["eu-west-1"]},
}  # fmt: skip
_SECRET: Schema = {"type": "string", "writeOnly": True}
_LOGIN: Mapping[str, Schema] = {"username": {"type": "string"}, "password": _SECRET}
_KEYS: Mapping[str, Schema] = {
    "access_key_id": {"type": "string"}, "secret_access_key": _SECRET, "session_token": _SECRET,
    "account_key": _SECRET, "sas_token": _SECRET, "tenant_id": {"type": "string"}, "client_id": {"type": "string"},
    "client_secret": _SECRET, "service_account_key": _SECRET,
}  # fmt: skip


class Kind(NamedTuple):
    """A kind of source; `driver` is the module that it needs besides Sextant, `extra` what brings it."""

    title: str
    pattern: str
    example: str
    credential: Mapping[str, Schema] = {}
    driver: str = ""
    extra: str = ""


def _port(told: Dialect) -> str:
    return f":{told.port}" if told.port else ""


KINDS: Mapping[str, Kind] = {
    "postgresql": Kind(
        "PostgreSQL", r"^postgres(ql)?://[^/@?#]+/[^/?#]+$", "postgresql://db.example.org:5432/shop", _LOGIN
    ),
    "mysql": Kind(
        "MySQL, MariaDB", r"^(mysql|mariadb)://[^/@?#]+/[^/?#]+$", "mysql://db.example.org:3306/shop", _LOGIN,
        "pymysql", "mysql",
    ),
    **{
        name: Kind(told.title, rf"^{name}://[^/@?#]+/[^/?#]+$", f"{name}://host.example.org{_port(told)}/shop", _LOGIN,
                   told.module, told.extra)
        for name, told in DIALECTS.items()
    },
    "sqlite": Kind("SQLite", r"^sqlite:///[^?#]+$", "sqlite:///data/shop.db"),
    "duckdb": Kind("DuckDB", r"^duckdb:///[^?#]+$", "duckdb:///data/shop.duckdb", {}, "duckdb", "duckdb"),
    "files": Kind(
        "Folder, S3, Azure Blob and ADLS Gen2, Google Cloud Storage",
        r"^((file|s3|gs)://[^@?#]+|abfss?://[^/@?#]+@[^@?#]+|/[^?#]*)$", "s3://bucket/prefix", _KEYS,
    ),
}  # fmt: skip


def schema_of(kind: str) -> Schema:
    """The JSON Schema of a source of this kind. Raises KeyError for a kind that there is not."""
    told = KINDS[kind]
    credential = {"type": "object", "additionalProperties": False, "properties": dict(told.credential)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": told.title,
        "type": "object",
        "required": ["url"],
        "additionalProperties": False,
        "properties": {
            "url": {"type": "string", "pattern": told.pattern, "maxLength": 2000, "examples": [told.example]},
            "options": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: _option(name) for name in OPTIONS[kind]},
            },
            "credential": credential,
        },
    }


def installed(kind: str) -> bool:
    """Whether what the connector needs is installed."""
    driver = KINDS[kind].driver
    try:
        return not driver or find_spec(driver) is not None
    except ModuleNotFoundError:  # of the package that it would be in
        return False


def _option(name: str) -> Schema:
    more = {"description": "Declared by the owner."} if name in DECLARATIONS else {}
    return {**more, **_OPTIONS[name]}
