"""The validators that a detector pack may name: text of a match in, whether it holds out. None of them raises."""

import base64
import json
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Final

from cluster.detectors import checksums
from cluster.detectors.phones import phone_international, phone_national

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
    "ipv4": checksums.ipv4,
    "ipv6": checksums.ipv6,
    "secret_entropy": checksums.secret_entropy,
    "phone_international": phone_international,
    "phone_national": phone_national,
}
# Modules of python-stdnum; the name in a pack is `stdnum:` and the module below `stdnum`.
_STDNUM: Final = frozenset(
    {
        "au.tfn",
        "be.nn",
        "bic",
        "br.cpf",
        "ca.sin",
        "ch.ssn",
        "cn.ric",
        "de.idnr",
        "dk.cpr",
        "es.dni",
        "es.nie",
        "fi.hetu",
        "fr.nir",
        "gb.nhs",
        "in_.aadhaar",
        "in_.pan",
        "it.codicefiscale",
        "mx.curp",
        "nl.bsn",
        "no.fodselsnummer",
        "pl.pesel",
        "se.personnummer",
        "us.ein",
        "us.itin",
    }
)


@cache
def validator(name: str) -> Validator | None:
    """The validator of that name, or None if there is none."""
    if name == "iban":
        return _iban
    if name == "jwt":
        return _jwt
    if name.startswith("stdnum:") and name.removeprefix("stdnum:") in _STDNUM:
        return _safely(import_module(f"stdnum.{name.removeprefix('stdnum:')}").is_valid)
    return _OWN.get(name)


def _safely(check: Callable[[str], bool]) -> Validator:
    def holds(text: str) -> bool:
        try:
            return bool(check(text))
        except (ValueError, IndexError, KeyError):  # a library's check of text it did not foresee
            return False

    return holds


def _iban(text: str) -> bool:
    # mod 97 first: it is cheap and refuses 96 of 97; the library knows each country's length and structure.
    return checksums.iban_mod97(text) and _iban_structure(text)


@cache
def _iban_library() -> Validator:
    module = import_module("stdnum.iban")
    return _safely(lambda text: module.is_valid(text, check_country=False))


def _iban_structure(text: str) -> bool:
    return _iban_library()(text)


def _jwt(text: str) -> bool:
    """RFC 7519: the first part is base64url of a JSON object that names an algorithm."""
    head = text.strip().split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, UnicodeDecodeError):
        return False
    return isinstance(header, dict) and "alg" in header
