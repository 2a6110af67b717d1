"""`make demo`: brings Sextant up, builds the demo estate beside it, and governs its database and its files."""

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from rich.console import Console

from cluster.errors import ConfigurationError
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.settings import Settings, settings
from serve.cli import govern as governing
from serve.cli import instance
from serve.cli.connection import address, connected, token
from serve.cli.main import run_safely
from serve.demo.estate import build_database, build_files
from serve.demo.governance import attest, put_on_record
from serve.demo.nightly import EXPORT, emit, run_events, run_nightly

DATABASE = "demo_estate"
SHOP = "demo-shop"
READER = "demo_reader"
PASSWORD_VARIABLE = "SEXTANT_DEMO_PASSWORD"  # noqa: S105 - the name of a variable
ROWS = int(os.environ.get("SEXTANT_DEMO_ROWS", "1000000"))


def demo() -> int:
    """Governs the estate from an empty machine to recommendations; exit code 0 if both workflows succeeded."""
    current, console = settings(), Console()
    if current.database_url is not None:
        raise ConfigurationError(
            "The demo estate is built in the embedded PostgreSQL.", "Unset SEXTANT_DATABASE_URL for the demo."
        )
    instance.up()
    console.print(f"Building the demo estate ({ROWS:,} rows in its largest table) ...", highlight=False)
    owner, url = _database(current)
    folder = current.home / "demo" / "files"
    build_files(folder)
    ran = run_nightly(owner, folder)
    codes = []
    for name, source, username in ((SHOP, url, READER), ("demo-files", folder.as_uri(), None)):
        console.rule(f"sextant govern {source}")
        code = governing.govern(
            source,
            name=name,
            username=username,
            password_env=PASSWORD_VARIABLE if username else None,
            options=["environment=production"],
            ruleset="default",
        )
        codes.append(code)
    _govern_on_record(console)
    _tell_lineage(console, ran, url, folder.as_uri())
    console.print("`make down` stops it all; `.venv/bin/sextant findings` and `labels` show more.", highlight=False)
    return max(codes)


def _govern_on_record(console: Console) -> None:
    """Puts on record what people would, and has the verdicts follow."""
    with connected() as sextant:
        kept = put_on_record(sextant)
        sources = [source.id for source in sextant.sources()]
        for source in sources:
            sextant.compliance.evaluate(source)
        kept += attest(sextant, sources)
        for source in sources:
            sextant.compliance.evaluate(source)
    console.print(f"{kept} records of the demo's people were put on record: `sextant compliance posture SOURCE`.")


def _tell_lineage(console: Console, ran: list[str], database: str, folder: str) -> None:
    """Hands in what the nightly jobs ran, as a query log, and has the one that writes a file tell of its run."""
    with connected() as sextant:
        shop = next(source for source in sextant.sources() if source.name == SHOP)
        sextant.lineage.record_queries(shop.id, ran)
        emit(address(), token(), run_events(database, folder))
        found = sextant.catalog.search(Path(EXPORT).name, 1)
    told = f": `.venv/bin/sextant lineage up {found[0].id} --depth 9`" if found else ""
    console.print(f"The nightly jobs told where their data comes from{told}", highlight=False, soft_wrap=True)


def _database(current: Settings) -> tuple[str, str]:
    """Builds the database, and the role that Sextant reads it with; its URL for the owner, and without a password."""
    server = EmbeddedPostgres(current.home / "postgres", current.postgres_port, current.postgres_user)
    owner = server.ensure_database(DATABASE)
    build_database(owner, rows=ROWS)
    os.environ[PASSWORD_VARIABLE] = password = _password(current.home / "demo")
    with psycopg.connect(owner.replace("+psycopg", ""), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER]).fetchone()
        verb = "ALTER" if known else "CREATE"
        statement = sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(READER), sql.Literal(password))
        connection.execute(statement)
        connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(READER)))
    parts = urlsplit(owner)
    return owner, f"postgresql://{parts.hostname}:{parts.port}/{DATABASE}"


def _password(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "password"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text()


if __name__ == "__main__":
    sys.exit(run_safely(demo))
