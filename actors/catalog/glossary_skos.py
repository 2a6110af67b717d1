"""A glossary as SKOS (W3C Recommendation, 2009): concepts of one scheme, and what SKOS has no word for in our own.

isA is skos:broader, as is the parent; seeAlso is skos:related; synonyms that are terms are skos:exactMatch;
abbreviations are skos:altLabel; status is adms:status. The other relations of Apache Atlas are properties of the
namespace urn:sextant:glossary#. Written and read by rdflib; nothing is fetched from the network.
"""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, unquote

from actors.catalog.contract import TermView
from actors.catalog.glossary import INVERSE
from actors.catalog.glossary_csv import MOST, TermLine
from cluster.errors import InvalidInput

BASE: Final = "urn:sextant:term:"
SCHEME: Final = "urn:sextant:glossary"
OWN: Final = "urn:sextant:glossary#"
_FORMATS: Final = {"turtle": "turtle", "rdfxml": "xml", "jsonld": "json-ld"}
_DOCTYPE: Final = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def _graph() -> Any:
    from rdflib import Graph, Namespace
    from rdflib.namespace import SKOS

    graph = Graph()
    graph.bind("skos", SKOS)
    graph.bind("sextant", Namespace(OWN))
    graph.bind("adms", Namespace("http://www.w3.org/ns/adms#"))
    return graph


def _predicates() -> dict[str, Any]:
    """The property of each relation that is written; the other side of each is read from it."""
    from rdflib import URIRef
    from rdflib.namespace import SKOS

    told = {"isA": SKOS.broader, "seeAlso": SKOS.related, "synonyms": SKOS.exactMatch}
    own = ("antonyms", "preferredTerms", "replacementTerms", "translationTerms", "validValues")
    return told | {relation: URIRef(OWN + relation) for relation in own}


def written(terms: Iterable[TermView], form: str) -> str:
    """The terms as "turtle", "rdfxml" or "jsonld"."""
    from rdflib import Literal, URIRef
    from rdflib.namespace import DCTERMS, RDF, SKOS

    graph, terms, predicates = _graph(), list(terms), _predicates()
    names = {term.id: term.name for term in terms}
    scheme = URIRef(SCHEME)
    graph.add((scheme, RDF.type, SKOS.ConceptScheme))
    graph.add((scheme, DCTERMS.title, Literal("Glossary", lang="en")))
    for term in terms:
        concept = URIRef(BASE + quote(term.name, safe=""))
        graph.add((concept, RDF.type, SKOS.Concept))
        graph.add((concept, SKOS.inScheme, scheme))
        graph.add((concept, SKOS.prefLabel, Literal(term.name)))
        graph.add((concept, URIRef("http://www.w3.org/ns/adms#status"), Literal(term.status)))
        if term.definition:
            graph.add((concept, SKOS.definition, Literal(term.definition)))
        for abbreviation in term.abbreviations:
            graph.add((concept, SKOS.altLabel, Literal(abbreviation)))
        if term.parent_id in names:
            graph.add((concept, URIRef(OWN + "parent"), URIRef(BASE + quote(names[term.parent_id], safe=""))))
        for each in term.related:
            if each.relation in predicates:
                graph.add((concept, predicates[each.relation], URIRef(BASE + quote(each.name, safe=""))))
    text: str = graph.serialize(format=_FORMATS[form])
    return text


def read(text: str, form: str) -> list[TermLine]:
    """The concepts of a SKOS document in Turtle or RDF/XML. Raises InvalidInput for what is none."""
    from rdflib.namespace import RDF, SKOS

    if form == "rdfxml" and _DOCTYPE.search(text):
        raise InvalidInput("The document declares a DOCTYPE or an entity.", "Send RDF/XML without them.")
    graph = _graph()
    try:
        graph.parse(data=text, format=_FORMATS[form])
    except Exception:  # rdflib raises what its parsers raise: anything, with the text in it
        raise InvalidInput(f"The text is not {form}.", "Check it with another tool, or send CSV.") from None
    concepts = sorted(set(graph.subjects(RDF.type, SKOS.Concept)), key=str)
    if len(concepts) > MOST:
        raise InvalidInput(f"The document holds more than {MOST} concepts.", "Import it in parts.")
    names = {concept: _name(graph, concept) for concept in concepts}
    return [_line(graph, place, concept, names) for place, concept in enumerate(concepts, 1)]


def _name(graph: Any, concept: Any) -> str:
    from rdflib.namespace import SKOS

    labels = sorted(
        graph.objects(concept, SKOS.prefLabel), key=lambda one: (one.language not in (None, "en"), str(one))
    )
    return str(labels[0]) if labels else unquote(re.split(r"[#/:]", str(concept))[-1])


def _line(graph: Any, place: int, concept: Any, names: dict[Any, str]) -> TermLine:
    from rdflib import URIRef
    from rdflib.namespace import SKOS

    def text(predicate: Any) -> str:
        told = sorted(map(str, graph.objects(concept, predicate)))
        return told[0] if told else ""

    relations = {
        (relation, names[other])
        for relation, predicate in _predicates().items()
        for other in graph.objects(concept, predicate)
        if other in names
    }
    relations |= {("classifies", names[each]) for each in graph.objects(concept, SKOS.narrower) if each in names}
    parents = [names[each] for each in graph.objects(concept, URIRef(OWN + "parent")) if each in names]
    return TermLine(
        place, names[concept], text(SKOS.definition), text(URIRef("http://www.w3.org/ns/adms#status")),
        parents[0] if parents else "", tuple(sorted(map(str, graph.objects(concept, SKOS.altLabel)))),
        tuple(sorted(relation for relation in relations if relation[0] in INVERSE)),
    )  # fmt: skip
