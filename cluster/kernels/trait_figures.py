"""What a few values look like, in figures that add up: the sum over the values of each figure.

Every figure is a whole number that one value contributes without regard to the others, so that sums of parts make the
sum of the whole. Counts only; what could spell a value (n-grams, characters by position) is left to the caller to drop
where few values contribute.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from cluster.kernels.lexicon import Lexicon, hash_of

Figures = npt.NDArray[np.int64]
LONGEST: Final = 256  # characters that count of a value
WHOLE: Final = 255  # a share of one, as it is summed
FRONT, BACK, BIGRAMS, ENDINGS = 6, 4, 128, 64
_LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24, 32, 40, 64, 128)
_TOKENS = (1, 2, 3, 4, 6, 10)
_MOST_WORDS = 12
_SIGNS = (
    *("digit", "upper", "lower", "upper_accented", "lower_accented", "other_script", "space", "hyphen", "dot", "comma"),
    *(
        "slash",
        "colon",
        "at",
        "underscore",
        "apostrophe",
        "bracket",
        "plus",
        "hash",
        "percent",
        "currency",
        "ampersand",
    ),
    *("asterisk", "markup", "other"),
)
_COARSE_NAMES = ("none", "digit", "upper", "lower", "space", "sign")
_YEARS = (1900, 1930, 1950, 1970, 1990, 2000, 2010, 2015, 2020, 2027)
_SIZES = (1, 2, 6, 13, 18, 32, 41, 68, 91, 126, 181, 1000, 10_000, 100_000, 1_000_000, 10_000_000)
_WORD = re.compile(r"[^\W\d_]+")
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)|(?<!\d)(1[89]\d\d|20\d\d)(?=[01]\d[0-3]\d(?!\d))")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.(\d{1,15}))?")
FORMS: Final[dict[str, re.Pattern[str]]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "leading_zero": r"0\d+",
        "negative": r"-\d[\d.,]*",
        "thousands": r"-?\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?",
        "year": r"(?:18|19|20)\d\d",
        "iso_date": r"\d{4}-\d\d-\d\d",
        "other_date": r"\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d\d)",
        "named_date": r"(?:\d{1,2}\.? [^\W\d]{3,10}\.?,? \d{2,4}|[^\W\d]{3,10}\.? \d{1,2},? \d{4})",
        "moment": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4},? \d{1,2}:\d\d.*",
        "two_words": r"[^\W\d_]+(?:[’'-][^\W\d_]+)? [^\W\d_]+(?:[’'-][^\W\d_]+)?",
        "turned_name": r"[^\W\d_][^\d,@]+, ?[^\W\d_][^\d,@]*",
        "initials": r".*\b[A-Z]\. .*|[A-Z]\.[^\W\d_]+.*",
        "titled": r"(?i:mr|mrs|ms|miss|dr|prof|herr|frau|sig|sra?|ing|mme|m)\.? .*|.* (?:MD|PhD|Jr\.?|Sr\.?|III?)",
        "mail": r"[^@\s]+@[^@\s]+\.[^@\s]+",
        "web": r"(?i:https?://.*|www\..*)",
        "host": r"(?i:[a-z0-9-]+(?:\.[a-z0-9-]+)+)",
        "dialled": r"[+(]?\d[\d\s()./-]{5,18}\d",
        "hexadecimal": r"(?i:(?=.*\d)(?=.*[a-f])[0-9a-f]{6,})",
        "code": r"(?=.*\d)(?=.*[A-Z])[A-Z0-9]+",
        "hyphened_code": r"(?=.*\d)[A-Za-z0-9]+(?:[-/_.][A-Za-z0-9]+)+",
        "token": r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])\S{8,}",
        "secret": r"(?=.*\d)(?=.*[A-Za-z])(?=.*[^\w\s.,@:/-])\S{6,24}",
        "handle": r"@?[a-z][a-z0-9]*(?:[._-][a-z0-9]+){0,3}",
        "number_first": r"\d{1,5}[A-Za-z]?,? [^\W\d_].*",
        "number_last": r"[^\W\d_].* \d{1,5} ?[A-Za-z]?(?:[-/]\d+)?",
        "place_and_number": r".*\b\d{4,5}\b,? [^\W\d_]+.*|.*, [A-Z]{2} \d{5}.*",
        "file": r".*\.(?i:pdf|docx?|xlsx?|csv|txt|png|jpe?g|gif|zip|json|xml|html?|log|mp[34]|tar|gz|py|parquet)",
        "path": r"(?:/|[A-Za-z]:\\|\.{1,2}/|s3://|~/).*",
        "sentence": r"(?:\S+ ){5,}\S+",
        "pair": r"-?\d{1,3}\.\d+[,; ]+-?\d{1,3}\.\d+",
        "clock": r"\d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp][Mm])?",
        "money": r"[$€£¥] ?-?[\d.,]+|-?[\d.,]+ ?(?:[$€£¥]|EUR|USD|GBP|CHF|kr|zł)",
        "uppercase": r"(?s:(?=.*[A-Z])[^a-z]*)",
        "lowercase": r"(?s:(?=.*[a-z])[^A-Z]*)",
        "capitalised": r"[A-ZÀ-Þ][a-zß-ÿ]+",
        "titlecase": r"(?:[A-ZÀ-Þ][a-zß-ÿ'’.-]* )+[A-ZÀ-Þ][a-zß-ÿ'’.-]*",
    }.items()
}


@cache
def names_of(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the figures, in their order, for a lexicon of these kinds of words."""
    return (
        "values",
        "spelled",
        *(f"length_{bound}" for bound in (*_LENGTHS, "more")),
        *(f"words_{bound}" for bound in ("0", *_TOKENS, "more")),
        *(f"share_{sign}" for sign in _SIGNS),
        *(f"holds_{sign}" for sign in _SIGNS),
        "entropy",
        "variety",
        *(f"form_{name}" for name in FORMS),
        *(f"year_{bound}" for bound in (*_YEARS, "more")),
        *(f"size_{bound}" for bound in (*_SIZES, "more")),
        *(f"decimals_{many}" for many in ("0", "1", "2", "3", "5")),
        *(f"{place}_{kind}" for place in ("is", "begins", "ends", "has") for kind in kinds),
        *(f"front_{p}_{name}" for p in range(FRONT) for name in _COARSE_NAMES),
        *(f"back_{p}_{name}" for p in range(BACK) for name in _COARSE_NAMES),
        *(f"bigram_{bucket}" for bucket in range(BIGRAMS)),
        *(f"ending_{bucket}" for bucket in range(ENDINGS)),
    )


SPELLING: Final = (FRONT + BACK) * len(_COARSE_NAMES) + BIGRAMS + ENDINGS


def figures_of(texts: Sequence[str], lexicon: Lexicon) -> Figures:
    """The sums over the texts, none of which is empty; the last `SPELLING` of them could spell a lone value."""
    cut = [text.strip()[:LONGEST] or "?" for text in texts]
    lengths = np.array([len(text) for text in cut])
    codes = _codes("".join(cut))
    owner = np.repeat(np.arange(len(cut)), lengths)
    signs = np.bincount(owner * len(_SIGNS) + _sign_of(codes), minlength=len(cut) * len(_SIGNS))
    by_value = signs.reshape(len(cut), len(_SIGNS))
    found = [_WORD.findall(text.lower())[:_MOST_WORDS] for text in cut]
    return np.concatenate(
        [
            [len(cut), len(cut)],
            _histogram(lengths, _LENGTHS),
            _histogram(np.array([len(words) for words in found]), (0, *_TOKENS)),
            (by_value * WHOLE // lengths[:, None]).sum(0),
            (by_value > 0).sum(0),
            _entropies(cut),
            [sum(form.fullmatch(text) is not None for text in cut) for form in FORMS.values()],
            _histogram(np.array([int(y[0] or y[1]) for text in cut for y in _YEAR.findall(text)[:1]], int), _YEARS),
            _numbers(cut),
            _words(cut, found, lexicon),
            _positions(cut),
            _bigrams(cut),
            np.bincount([hash_of(text[-3:].lower()) % ENDINGS for text in cut], minlength=ENDINGS),
        ]
    ).astype(np.int64)


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _histogram(numbers: npt.NDArray[np.int64], bounds: Sequence[int]) -> Figures:
    """How many numbers lie up to each bound and above the one before; at last those above all."""
    return np.bincount(np.searchsorted(bounds, numbers), minlength=len(bounds) + 1)


def _sign(character: str) -> int:
    marks = {" ": 6, "\t": 6, "\n": 6, "-": 7, ".": 8, ",": 9, "/": 10, ":": 11, "@": 12, "_": 13, "'": 14, "’": 14}
    marks |= {"(": 15, ")": 15, "[": 15, "]": 15, "+": 16, "#": 17, "%": 18, "$": 19, "€": 19, "£": 19, "¥": 19}
    marks |= {"&": 20, "*": 21} | dict.fromkeys('={}"<>|;\\', 22)
    if character in marks:
        return marks[character]
    if character.isdigit():
        return 0
    if character.isalpha():
        if ord(character) >= 0x250:
            return 5
        return (2 if character.islower() else 1) + (0 if character.isascii() else 2)
    return 23


@cache
def _table() -> npt.NDArray[np.int64]:
    return np.array([_sign(chr(code)) for code in range(0x3100)])


def _sign_of(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    table = _table()
    # Beyond the table lie hardly any but letters of other scripts; pictures up there count as such.
    return np.where(codes < len(table), table[np.minimum(codes, len(table) - 1)], 5)


def _entropies(texts: Sequence[str]) -> list[int]:
    """Bits a character in 64ths, and the share of different characters."""
    entropy = variety = 0
    for text in texts:
        counts = np.array([text.count(character) for character in set(text)])
        shares = counts / len(text)
        entropy += round(float(-(shares * np.log2(shares)).sum()) * 64)
        variety += len(counts) * WHOLE // len(text)
    return [entropy, variety]


def _numbers(texts: Sequence[str]) -> Figures:
    sizes, decimals = [], []
    for text in texts:
        match = _NUMBER.fullmatch(text)
        if match is not None:
            sizes.append(int(abs(float(text))))
            decimals.append(len(match[1] or ""))
    return np.concatenate([_histogram(np.array(sizes, int), _SIZES), _histogram(np.array(decimals, int), (0, 1, 2, 4))])


def _words(texts: Sequence[str], found: Sequence[Sequence[str]], lexicon: Lexicon) -> Figures:
    bits = np.arange(len(lexicon.kinds), dtype=np.uint64)

    def count(masks: npt.NDArray[np.uint64]) -> Figures:
        counted: Figures = ((masks[:, None] >> bits) & np.uint64(1)).sum(0).astype(np.int64)
        return counted

    spoken = [words for words in found if words]
    masks = lexicon.masks_of([word for words in spoken for word in words])
    starts = np.cumsum([0, *(len(words) for words in spoken)])
    held = np.bitwise_or.reduceat(masks, starts[:-1]) if spoken else masks
    whole = lexicon.masks_of([" ".join(text.lower().split()) for text in texts])
    return np.concatenate([count(whole), count(masks[starts[:-1]]), count(masks[starts[1:] - 1]), count(held)])


_COARSE: Final = np.array([1, 2, 3, 2, 3, 3, 4, *([5] * 17)])


def _positions(texts: Sequence[str]) -> Figures:
    kinds = len(_COARSE_NAMES)
    ends = "".join(text[:FRONT].ljust(FRONT, "\0") + text[-BACK:].rjust(BACK, "\0") for text in texts)
    codes = _codes(ends)
    coarse: Figures = np.where(codes == 0, 0, _COARSE[_sign_of(codes)])
    place = np.tile(np.arange(FRONT + BACK), len(texts))
    counted: Figures = np.bincount(place * kinds + coarse, minlength=(FRONT + BACK) * kinds)
    return counted


_DIGITS: Final = dict.fromkeys(map(ord, "0123456789"), "0")


def _bigrams(texts: Sequence[str]) -> Figures:
    codes = _codes("".join(f"\2{text[:32]}\3" for text in texts).lower().translate(_DIGITS)).astype(np.int64)
    first, second = codes[:-1], codes[1:]
    inner = first != 3
    return np.bincount(((first * 31 + second * 57) % 1021 % BIGRAMS)[inner], minlength=BIGRAMS)
