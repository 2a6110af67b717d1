"""The catalog as DCAT 3 (W3C Recommendation, 2024), in JSON-LD: a catalog, its datasets, and where their data lies.

Of what a caller may see, page by page. Datasets have their title, description, keywords (tags and classes), theme (the
domain), publisher and contact (owner), version, dates, and the columns as a table schema of CSVW; a distribution says
the format and the size; wasDerivedFrom says which datasets it is made from. What DCAT-AP 3 asks of each is there, with
resources where it asks for resources.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.catalog.assets import ANYTHING, AssetFilter, conditions, views
from actors.catalog.contract import AssetView
from actors.catalog.tables import Asset, Edge
from cluster.context import Caller
from cluster.security.visibility import visible

CONTEXT: Final = {
    "dcat": "http://www.w3.org/ns/dcat#", "dcterms": "http://purl.org/dc/terms/", "prov": "http://www.w3.org/ns/prov#",
    "foaf": "http://xmlns.com/foaf/0.1/", "csvw": "http://www.w3.org/ns/csvw#", "xsd": "http://www.w3.org/2001/XMLSchema#",
    "adms": "http://www.w3.org/ns/adms#", "vcard": "http://www.w3.org/2006/vcard/ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
}  # fmt: skip
DATASETS: Final = ("table", "view", "materialized_view", "file", "file_set")
XSD: Final = {
    "string": "string", "integer": "integer", "number": "double", "boolean": "boolean", "date": "date",
    "timestamp": "dateTime", "time": "time", "binary": "hexBinary",
}  # fmt: skip


def urn(identifier: str) -> str:
    """How an asset is called outside of Sextant."""
    return f"urn:sextant:asset:{identifier}"


def exported(
    session: Session, caller: Caller, wanted: AssetFilter = ANYTHING, after: str | None = None, limit: int = 100
) -> tuple[dict[str, Any], str | None]:
    """The document of at most `limit` datasets by id behind `after`, and the id to go on behind, None at the end."""
    limits = [*conditions(session, wanted, caller), Asset.kind.in_(DATASETS), Asset.lifecycle != "purged"]
    if after is not None:
        limits.append(Asset.id > after)
    rows = list(session.scalars(select(Asset).where(*limits).order_by(Asset.id).limit(limit + 1)))
    told = rows[:limit]
    sources = _origins(session, [row.id for row in told], caller)
    names = _names(session, {row.domain_id for row in told if row.domain_id}, caller)
    nodes = [
        dataset(view, row, sources[row.id], names) for view, row in zip(views(session, told, caller), told, strict=True)
    ]
    catalog = {
        "@id": "urn:sextant:catalog", "@type": "dcat:Catalog", "dcterms:title": "Sextant",
        "dcterms:description": "What Sextant knows of the data of its sources.",
        "dcterms:publisher": {"@type": "foaf:Agent", "foaf:name": "Sextant"},
        "dcat:dataset": [{"@id": node["@id"]} for node in nodes],
    }  # fmt: skip
    document = {"@context": CONTEXT, "@graph": [catalog, *nodes]}
    return document, told[-1].id if len(rows) > limit else None


def dataset(view: AssetView, row: Asset, origins: Iterable[str], names: dict[str, str]) -> dict[str, Any]:
    """One dataset with its distribution."""
    labels = {label.data_class for column in view.column_list for label in column.labels if label.state != "rejected"}
    publisher = view.owner or next((owner.name for owner in view.owners), None)
    node = {
        "@id": urn(view.id), "@type": "dcat:Dataset", "dcterms:identifier": view.id, "dcterms:title": view.name,
        "dcterms:description": view.description or view.comment or f"{view.kind} {view.path} of {row.source_name}",
        "dcat:keyword": sorted({*view.tags, *labels}),
        "dcat:theme": {"@id": urn(view.domain_id), "@type": "skos:Concept", "skos:prefLabel": names[view.domain_id]}
        if view.domain_id in names else None,
        "dcterms:publisher": {"@type": "foaf:Agent", "foaf:name": publisher} if publisher else None,
        "dcat:contactPoint": [{"@type": "vcard:Kind", "vcard:fn": owner.name} for owner in view.owners],
        "dcterms:issued": _time(row.first_seen), "dcterms:modified": _time(view.updated_at),
        "dcat:version": str(view.version), "adms:status": {"@type": "skos:Concept", "skos:prefLabel": view.lifecycle},
        "dcterms:accessRights": _labelled("dcterms:RightsStatement", view.sensitivity),
        "prov:wasDerivedFrom": [{"@id": urn(one)} for one in sorted(origins)],
        "csvw:tableSchema": _schema(view),
        "dcat:distribution": {
            "@id": f"{urn(view.id)}:distribution", "@type": "dcat:Distribution", "dcterms:title": view.path,
            "dcat:accessURL": {"@id": _address(row)}, "dcat:byteSize": _size(view.bytes),
            "dcterms:format": _labelled("dcterms:MediaTypeOrExtent", view.format or view.kind),
        },
    }  # fmt: skip
    return _without_empty(node)


def _address(row: Asset) -> str:
    """Where the data lies: the namespace and name that OpenLineage has for it, as an address."""
    place = row.namespace if "://" in row.namespace else f"urn:sextant:source:{quote(row.source_id, safe='')}"
    return f"{place.rstrip('/')}/{quote(row.dataset or row.path)}"


def _labelled(kind: str, label: str | None) -> dict[str, str] | None:
    return None if label is None else {"@type": kind, "rdfs:label": label}


def _schema(view: AssetView) -> dict[str, Any]:
    return {"@type": "csvw:Schema", "csvw:column": {"@list": [_column(one) for one in view.column_list]}}


def _size(count: int | None) -> dict[str, str] | None:
    return None if count is None else {"@type": "xsd:nonNegativeInteger", "@value": str(count)}


def _column(column: Any) -> dict[str, Any]:
    return _without_empty({
        "@type": "csvw:Column", "csvw:name": column.name, "csvw:datatype": XSD.get(column.type, "string"),
        "csvw:required": not column.nullable, "dcterms:description": column.description or column.comment,
    })  # fmt: skip


def _without_empty(node: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in node.items():
        told = _without_empty(value) if isinstance(value, dict) else value
        if told not in (None, [], {}):
            kept[key] = told
    return kept


def _time(at: Any) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": at.isoformat()}


def _origins(session: Session, identifiers: list[str], caller: Caller) -> dict[str, set[str]]:
    """What each asset is made from now, as far as the caller may see it."""
    statement = select(Edge.to_asset, Edge.from_asset).where(
        Edge.to_asset.in_(identifiers), Edge.valid_to.is_(None), visible(caller, Edge.from_asset)
    )
    found: dict[str, set[str]] = defaultdict(set)
    for to, origin in session.execute(statement.distinct()):
        if to != origin:
            found[to].add(origin)
    return found


def _names(session: Session, identifiers: Iterable[str], caller: Caller) -> dict[str, str]:
    wanted = select(Asset.id, Asset.name).where(Asset.id.in_(list(identifiers)), visible(caller, Asset.id))
    return dict(session.execute(wanted).all())
