"""The validators that a detector pack may name: text of a match in, whether it holds out. None of them raises."""

import base64
import json
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from cluster.detectors import checksums, lettered
from cluster.detectors.phones import phone_announced, phone_international, phone_national, phone_trunk
from cluster.detectors.single import birth_date, es_dni, ipv4_any, letters_and_digits

if TYPE_CHECKING:
    from cluster.detectors.check_digits import ColumnCheck

Validator = Callable[[str], bool]

_OWN: Final[dict[str, Validator]] = {
    "luhn": checksums.luhn,
    "payment_card": checksums.payment_card,
    "ssn": checksums.ssn,
    "aba_routing": checksums.aba_routing,
    "npi": checksums.npi,
    "vin": checksums.vin,
    "nino": checksums.nino,
    "imei": checksums.imei,
    "iccid": checksums.iccid,
    "sg_nric": lettered.sg_nric,
    "hk_id": lettered.hk_id,
    "tw_id": lettered.tw_id,
    "de_svnr": lettered.de_svnr,
    "dea": lettered.dea,
    "lei_letters": lettered.lei_letters,
    "vat": lettered.vat,
    "bearer": checksums.bearer,
    "base58check": lettered.base58check,
    "loinc": lettered.loinc,
    "snomed": lettered.snomed,
    "ipv4": checksums.ipv4,
    "ipv6": checksums.ipv6,
    "secret_entropy": checksums.secret_entropy,
    "phone_international": phone_international,
    "phone_national": phone_national,
    "phone_trunk": phone_trunk,
    "phone_announced": phone_announced,
    "birth_date": birth_date,
    "es_dni": es_dni,
    "ipv4_any": ipv4_any,
    "letters_and_digits": letters_and_digits,
}
# Modules of python-stdnum; the name in a pack is `stdnum:` and the module below `stdnum`.
_STDNUM: Final = frozenset(
    {
        "ar.cuit",
        "ar.dni",
        "au.abn",
        "au.tfn",
        "be.nn",
        "bic",
        "bitcoin",
        "br.cnpj",
        "br.cpf",
        "ca.sin",
        "ch.ssn",
        "ch.uid",
        "cl.rut",
        "cn.ric",
        "co.nit",
        "cz.rc",
        "de.idnr",
        "dk.cpr",
        "do.cedula",
        "ec.ci",
        "es.cif",
        "es.dni",
        "es.nie",
        "eu.vat",
        "fi.hetu",
        "fr.nif",
        "fr.nir",
        "fr.siren",
        "fr.siret",
        "gb.nhs",
        "gb.utr",
        "gr.vat",
        "ie.pps",
        "il.idnr",
        "imsi",
        "in_.aadhaar",
        "in_.gstin",
        "in_.pan",
        "it.codicefiscale",
        "it.iva",
        "lei",
        "lv.pvn",
        "mx.curp",
        "mx.rfc",
        "my.nric",
        "nl.bsn",
        "no.fodselsnummer",
        "no.orgnr",
        "nz.ird",
        "pe.cui",
        "pl.nip",
        "pl.pesel",
        "ru.inn",
        "ru.ogrn",
        "se.orgnr",
        "se.personnummer",
        "sg.uen",
        "us.ein",
        "us.itin",
        "za.idnr",
    }
)

# Kinds of words of the lexicon; the name in a pack is `words:` and one of them.
_WORDS: Final = frozenset({"religion", "gender", "marital", "orientation", "ethnicity"})
_IBAN_FORM: Final = str.maketrans("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0" * 10 + "A" * 26)
_IBAN_FORMS: Final[dict[str, bool]] = {}
_FORMS_KEPT: Final = 4096


@cache
def validator(name: str) -> Validator | None:
    """The validator of that name, or None if there is none."""
    if name == "iban":
        return _iban
    if name == "jwt":
        return _jwt
    if name.startswith("stdnum:") and name.removeprefix("stdnum:") in _STDNUM:
        return _safely(import_module(f"stdnum.{name.removeprefix('stdnum:')}").is_valid)
    if name == "person_name":
        from cluster.detectors.lexical import person_name

        return person_name
    if name.removeprefix("words:") in _WORDS:
        return _one_of_words(name)
    return _OWN.get(name) or _one_of_a_column(name)


def column_validator(name: str) -> "ColumnCheck | None":
    """The same validator over all texts of a column at once, for those that can be had so; else None."""
    from cluster.detectors import column_checks
    from cluster.detectors.check_digits import COLUMN_CHECKS
    from cluster.detectors.lexical import person_names, words_of
    from cluster.detectors.national_checks import NATIONAL_CHECKS

    own: dict[str, ColumnCheck] = {
        "iban": column_checks.iban,
        "ipv4": column_checks.ipv4,
        "person_name": person_names,
        "ipv6": column_checks.ipv6,
        "phone_international": column_checks.phone_international,
        "phone_national": column_checks.phone_national,
    }
    if name.removeprefix("words:") in _WORDS:
        return words_of(name.removeprefix("words:"))
    return own.get(name) or COLUMN_CHECKS.get(name) or NATIONAL_CHECKS.get(name)


def _one_of_words(name: str) -> Validator:
    def holds(text: str) -> bool:
        import polars as pl

        check = column_validator(name)
        return check is not None and bool(check(pl.Series([text]))[0])

    return holds


def _one_of_a_column(name: str) -> Validator | None:
    # Actors ask for names of detectors and have no need of what numbers are checked with.
    import polars as pl

    from cluster.detectors.national_checks import NATIONAL_CHECKS

    check = NATIONAL_CHECKS.get(name)
    return None if check is None else lambda text: bool(check(pl.Series([text]))[0])


def _safely(check: Callable[[str], bool]) -> Validator:
    def holds(text: str) -> bool:
        try:
            return bool(check(text))
        except (ValueError, IndexError, KeyError):  # a library's check of text it did not foresee
            return False

    return holds


def _iban(text: str) -> bool:
    # mod 97 first: it is cheap and refuses 96 of 97; the library knows each country's length and structure.
    if not checksums.iban_mod97(text):
        return False
    compact = text.replace(" ", "").upper()
    if not (compact.isascii() and compact.isalnum()):
        return _iban_library()(text)
    # Beyond the check digits the verdict lies in the country and in which characters are digits: ask once for each.
    form = compact[:2] + compact[2:].translate(_IBAN_FORM)
    known = _IBAN_FORMS.get(form)
    if known is None:
        if len(_IBAN_FORMS) >= _FORMS_KEPT:
            _IBAN_FORMS.clear()
        known = _IBAN_FORMS[form] = _iban_library()(compact)
    return known


@cache
def _iban_library() -> Validator:
    module = import_module("stdnum.iban")
    return _safely(lambda text: module.is_valid(text, check_country=False))


def _jwt(text: str) -> bool:
    """RFC 7519: the first part is base64url of a JSON object that names an algorithm."""
    head = text.strip().split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, UnicodeDecodeError):
        return False
    return isinstance(header, dict) and "alg" in header
