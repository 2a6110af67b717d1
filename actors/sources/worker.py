"""What runs in a worker process: testing a source and enumerating it."""

from cluster.connectors.interface import Enumeration, SourceAccess, SourceFacts, TestStep
from cluster.errors import SourceError


def test_access(access: SourceAccess) -> tuple[tuple[TestStep, ...], SourceFacts | None]:
    """The steps of a connection test, and the facts of the source if it could be reached."""
    from cluster.connectors import open_connector
    from cluster.security.secrets import unseal

    connector = open_connector(access, unseal(access.sealed, access.source_id))
    try:
        steps = tuple(connector.test())
        if any(step.status == "failed" and step.category == "gate" for step in steps):
            return steps, None
        try:
            return steps, connector.facts()
        except SourceError:
            return steps, None
    finally:
        connector.close()


def enumerate_source(access: SourceAccess) -> tuple[Enumeration, SourceFacts]:
    """Everything the source lists, and its facts. Raises SourceError."""
    from cluster.connectors import open_connector
    from cluster.security.secrets import unseal

    connector = open_connector(access, unseal(access.sealed, access.source_id))
    try:
        return connector.enumerate(), connector.facts()
    finally:
        connector.close()
