"""Names of columns as different shops write them: cases, prefixes, abbreviations, or no names at all."""

import random
import unicodedata
from collections.abc import Callable
from typing import Final

Style = Callable[[list[str]], str]

STYLES: Final[dict[str, Style]] = {
    "snake": "_".join,
    "camel": lambda words: words[0] + "".join(word.capitalize() for word in words[1:]),
    "pascal": lambda words: "".join(word.capitalize() for word in words),
    "capitals": lambda words: "_".join(words).upper(),
    "run together": "".join,
    "capitals together": lambda words: "".join(words).upper(),
    "kebab": "-".join,
    "spoken": lambda words: " ".join(words).capitalize(),
    "title": lambda words: " ".join(word.capitalize() for word in words),
    "dotted": ".".join,
}
_ACCENTED: Final = {
    "strasse": "straße", "prenom": "prénom", "telephone": "téléphone", "numero": "número", "telefono": "teléfono",
    "direccion": "dirección", "citta": "città", "nascita": "nascita", "fodelsedatum": "födelsedatum", "kon": "kön",
    "fornamn": "förnamn", "soyadi": "soyadı", "adi": "adı", "dogum": "doğum", "sehir": "şehir", "imie": "imię",
    "plec": "płeć", "miejscowosc": "miejscowość", "endereco": "endereço", "religiao": "religião", "codigo": "código",
    "laenge": "Länge", "staatsangehoerigkeit": "Staatsangehörigkeit", "nationalite": "nationalité", "genero": "género",
    "fuehrerscheinnummer": "Führerscheinnummer", "geboren": "geboren", "diagnostico": "diagnóstico", "lon": "lön",
    "lakemedel": "läkemedel", "maas": "maaş", "ano": "año", "eta": "età", "cognome": "cognome", "kan": "kan",
}  # fmt: skip
_AFFIXES: Final = (*["{0}"] * 14, "{0} 1", "cust {0}", "p {0}", "{0} txt", "x {0}", "{0} old", "src {0}")
_UNMARKED: Final = {"spoken", "run together", "capitals together"}  # styles in which an affix would be part of the word
NAMELESS: Final = (
    "c{0}",
    "col_{0}",
    "column{0}",
    "V{0}",
    "field_{0}",
    "Unnamed: {0}",
    "F{0}",
    "{0}",
    "attr{0}",
    "var_{0}",
)


def column_name(rng: random.Random, words: str, style: str, language: str) -> str:
    """The words in a style: sometimes with what shops put before or after, in some languages with their accents."""
    chosen = rng.choice(_AFFIXES).format(words).split() if style not in _UNMARKED else words.split()
    if (language == "es" and style in {"spoken", "title", "snake"}) or rng.random() < 0.3:
        chosen = [_accented(word, language) for word in chosen]
    return unicodedata.normalize("NFC", STYLES[style](chosen))


def _accented(word: str, language: str) -> str:
    if word == "numero" and language in {"fr", "it"}:
        return "numéro" if language == "fr" else word
    if (word == "ano" and language == "pt") or (language == "en"):
        return word
    return _ACCENTED.get(word, word)


def nameless(rng: random.Random, width: int) -> list[str]:
    """Names of columns that have none: numbers, in one of the ways of programs that read headless files."""
    form = rng.choice(NAMELESS)
    start = rng.choice([0, 1])
    return [form.format(start + place) for place in range(width)]
