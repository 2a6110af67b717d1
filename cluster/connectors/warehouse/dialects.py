"""The warehouses: how SQLAlchemy is to connect to each, and what of them is their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from cluster.connectors.interface import SourceAccess


@dataclass(frozen=True)
class Dialect:
    """`driver` is SQLAlchemy's name of it, `module` what has to be installed, by the extra `extra`.

    `hidden` are schemas of the system. `query` names the options that go into SQLAlchemy's URL. `begin` are statements
    that make a session read only, where there are such. `in_path` says that the database is a part of the URL's path.
    """

    title: str
    driver: str
    module: str
    extra: str
    port: int | None = None
    hidden: tuple[str, ...] = ("information_schema",)
    query: tuple[str, ...] = ()
    begin: tuple[str, ...] = ()
    in_path: bool = True
    account: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)


DIALECTS: Mapping[str, Dialect] = {
    "snowflake": Dialect("Snowflake", "snowflake", "snowflake.sqlalchemy", "snowflake", query=("warehouse", "role")),
    "bigquery": Dialect("BigQuery", "bigquery", "sqlalchemy_bigquery", "bigquery"),
    "databricks": Dialect(
        "Databricks SQL", "databricks", "databricks.sqlalchemy", "databricks", 443, query=("http_path",), in_path=False,
        account="token",
    ),
    "redshift": Dialect(
        "Amazon Redshift", "redshift+redshift_connector", "redshift_connector", "redshift", 5439,
        ("information_schema", "pg_catalog", "pg_internal"), begin=("SET readonly = on",),
    ),
    "mssql": Dialect(
        "Microsoft SQL Server", "mssql+pymssql", "pymssql", "sqlserver", 1433,
        ("INFORMATION_SCHEMA", "sys", "guest", "db_owner", "db_accessadmin", "db_securityadmin", "db_ddladmin",
         "db_backupoperator", "db_datareader", "db_datawriter", "db_denydatareader", "db_denydatawriter"),
    ),
    "oracle": Dialect(
        "Oracle Database", "oracle+oracledb", "oracledb", "oracle", 1521,
        ("sys", "system", "outln", "xdb", "ctxsys", "mdsys", "wmsys", "dbsnmp", "audsys", "gsmadmin_internal"),
        begin=("SET TRANSACTION READ ONLY",), in_path=False,
    ),
    "trino": Dialect("Trino", "trino", "trino.sqlalchemy", "trino", 8080),
}  # fmt: skip
"""By the scheme of their URLs, which is the kind of the source too."""


def url_of(
    dialect: Dialect, access: SourceAccess, host: tuple[str, int | None, str], credential: Mapping[str, str]
) -> sa.URL:
    """SQLAlchemy's URL, with the password in it. `host` is name, port and database."""
    name, port, database = host
    query = {option: access.options[option] for option in dialect.query if option in access.options}
    if not dialect.in_path:
        query |= {"service_name" if dialect.extra == "oracle" else "catalog": database}
    return sa.URL.create(
        dialect.driver,
        username=dialect.account or credential.get("username"),
        password=credential.get("password") or credential.get("token"),
        host=name,
        port=port if dialect.port else None,
        database=database if dialect.in_path else None,
        query={**dialect.more, **query},
    )
