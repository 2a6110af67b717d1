"""A glossary as SKOS (W3C Recommendation, 2009): concepts of one scheme, and what SKOS has no word for in our own.

isA and the parent are skos:broader, with a property of our own beside that tells which of both; a broader concept of
another tool is isA. seeAlso is skos:related; synonyms that are terms are skos:exactMatch; abbreviations are
skos:altLabel; status is adms:status. The other relations of Apache Atlas are properties of the namespace
urn:sextant:glossary#. Written and read by rdflib; nothing is fetched from the network.

Of labels and definitions in several languages those without a language or in English are taken, else the first; what a
concept is called in other languages becomes an abbreviation of the term, so that it is found and linked by it.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, unquote

from actors.catalog.contract import TermView
from actors.catalog.glossary import ALLOWED, INVERSE
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
            for predicate in (URIRef(OWN + "parent"), SKOS.broader):
                graph.add((concept, predicate, URIRef(BASE + quote(names[term.parent_id], safe=""))))
        for each in term.related:
            if each.relation == "isA":
                graph.add((concept, URIRef(OWN + "isA"), URIRef(BASE + quote(each.name, safe=""))))
            if each.relation in predicates:
                graph.add((concept, predicates[each.relation], URIRef(BASE + quote(each.name, safe=""))))
    text: str = graph.serialize(format=_FORMATS[form])
    return text


def read(text: str, form: str) -> list[TermLine]:
    """The concepts of a SKOS document in Turtle, RDF/XML or JSON-LD. Raises InvalidInput for what is none."""
    if form == "rdfxml" and _DOCTYPE.search(text):
        raise InvalidInput("The document declares a DOCTYPE or an entity.", "Send RDF/XML without them.")
    if form == "jsonld":
        _alone(text)
    graph = _graph()
    try:
        graph.parse(data=text, format=_FORMATS[form])
    except Exception:  # rdflib raises what its parsers raise: anything, with the text in it
        raise InvalidInput(f"The text is not {form}.", "Check it with another tool, or send CSV.") from None
    concepts = _concepts(graph)
    if not concepts:
        raise InvalidInput("The document holds no concept of SKOS.", "Give each a skos:prefLabel.")
    if len(concepts) > MOST:
        raise InvalidInput(f"The document holds more than {MOST} concepts.", "Import it in parts.")
    names = {concept: _name(graph, concept, place) for place, concept in enumerate(concepts, 1)}
    return [_line(graph, place, concept, names) for place, concept in enumerate(concepts, 1)]


def _alone(text: str) -> None:
    """Raises InvalidInput for JSON-LD that names another document, which rdflib would fetch."""
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        raise InvalidInput("The text is not jsonld.", "Check it with another tool, or send CSV.") from None
    while waiting:
        told = waiting.pop()
        if isinstance(told, list):
            waiting += told
        elif isinstance(told, dict):
            context = told.get("@context")
            if "@import" in told or any(isinstance(one, str) for one in _listed(context)):
                raise InvalidInput("The document names a context that lies elsewhere.", "Write the context into it.")
            waiting += told.values()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _concepts(graph: Any) -> list[Any]:
    """What is said to be a concept, or has a label and is no scheme or collection; in the order of their addresses."""
    from rdflib.namespace import RDF, SKOS

    others = {each for kind in (SKOS.ConceptScheme, SKOS.Collection, SKOS.OrderedCollection)
              for each in graph.subjects(RDF.type, kind)}  # fmt: skip
    called = {each for predicate in (SKOS.prefLabel, _xl("prefLabel")) for each in graph.subjects(predicate)}
    return sorted({*graph.subjects(RDF.type, SKOS.Concept), *called} - others, key=str)


def _xl(name: str) -> Any:
    from rdflib import URIRef

    return URIRef(f"http://www.w3.org/2008/05/skos-xl#{name}")


def _labels(graph: Any, concept: Any, name: str) -> list[Any]:
    """The literals of a label (also those that are things of their own, as in SKOS-XL), the ones to be taken first."""
    from rdflib.namespace import SKOS

    told = list(graph.objects(concept, SKOS[name]))
    told += [form for each in graph.objects(concept, _xl(name)) for form in graph.objects(each, _xl("literalForm"))]
    return sorted(told, key=_foremost)


def _foremost(literal: Any) -> tuple[int, str]:
    language = (getattr(literal, "language", None) or "").lower()
    order = 0 if not language else 1 if language == "en" else 2 if language.startswith("en-") else 3
    return order, str(literal)


def _name(graph: Any, concept: Any, place: int) -> str:
    from rdflib import BNode

    labels = _labels(graph, concept, "prefLabel")
    if labels:
        return str(labels[0]).strip()
    if isinstance(concept, BNode):
        raise InvalidInput(f"Entry {place} has neither a label nor an address.", "Give it a skos:prefLabel.")
    return unquote(re.split(r"[#/:]", str(concept))[-1])


def _line(graph: Any, place: int, concept: Any, names: dict[Any, str]) -> TermLine:
    from rdflib import URIRef
    from rdflib.namespace import DCTERMS, RDFS, SKOS

    definitions = [
        each for predicate in (SKOS.definition, SKOS.scopeNote, DCTERMS.description, RDFS.comment)
        for each in sorted(graph.objects(concept, predicate), key=_foremost)
    ]  # fmt: skip
    relations = {
        (relation, names[other])
        for relation, predicate in _predicates().items()
        for other in graph.objects(concept, predicate)
        if other in names
    }
    relations |= {("classifies", names[each]) for each in graph.objects(concept, SKOS.narrower) if each in names}
    parents = [names[each] for each in graph.objects(concept, URIRef(OWN + "parent")) if each in names]
    kinds = {names[each] for each in graph.objects(concept, URIRef(OWN + "isA")) if each in names}
    relations -= {("isA", parent) for parent in parents if parent not in kinds}
    others = [*_labels(graph, concept, "prefLabel")[1:], *_labels(graph, concept, "altLabel")]
    called = dict.fromkeys(told for each in others if (told := str(each).strip()) and told != names[concept])
    return TermLine(
        place, names[concept], str(definitions[0]) if definitions else "", _status(graph, concept),
        parents[0] if parents else "", tuple(called), tuple(sorted(one for one in relations if one[0] in INVERSE)),
    )  # fmt: skip


def _status(graph: Any, concept: Any) -> str:
    """The state, where it is one of ours; of other tools only that a concept is deprecated."""
    from rdflib import URIRef
    from rdflib.namespace import OWL

    told = sorted(map(str, graph.objects(concept, URIRef("http://www.w3.org/ns/adms#status"))))
    if told and told[0] in ALLOWED:
        return told[0]
    return "deprecated" if any(str(each) == "true" for each in graph.objects(concept, OWL.deprecated)) else ""
