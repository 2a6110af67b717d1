"""Other tools on the same columns in the same run. Each is judged on the types that it has, beside Sextant on the same
columns and types: what a tool has no type for is no mistake of it, and no merit of Sextant.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.accuracy.answers import Answer
from tests.accuracy.columns import NONE
from tests.accuracy.figures import figures, table
from tests.accuracy.measures import micro, scores
from tests.accuracy.text_peers import run
from tests.benchmarks.peer import DATAPROFILER, PIICLEANER, PRESIDIO, Peer, PeerAbsent

_VALUES: Final = 12
_COLUMNS: Final = 900
_NAMES: Final = ("person.full_name", "person.given_name", "person.family_name", "payment.cardholder_name")


@dataclass(frozen=True)
class ColumnPeer:
    """A tool, the script that asks it, and its types by our classes."""

    peer: Peer
    script: str
    types: Mapping[str, str]
    same: Mapping[str, str]
    """Types of it that are one type here."""

    def group(self, data_class: str) -> str:
        """Its type for a class; `none` if it has none."""
        return self.types.get(data_class, NONE)

    def told(self, columns: Sequence[Sequence[str]]) -> tuple[list[str], float]:
        """Its answer for each column, and the processor time. Raises PeerAbsent."""
        result = run(str(self.peer.python()), self.script, columns)
        known = set(self.types.values())
        told = [self.same.get(name, name) for name in result["told"]]
        return [name if name in known else NONE for name in told], result["cpu_seconds"]


PEERS: Final = (
    ColumnPeer(
        PRESIDIO,
        "peer_presidio_columns.py",
        {
            **dict.fromkeys(_NAMES, "PERSON"),
            "location.city": "LOCATION",
            "location.county": "LOCATION",
            "location.street_address": "LOCATION",
            "contact.email": "EMAIL_ADDRESS",
            "contact.phone": "PHONE_NUMBER",
            "contact.fax": "PHONE_NUMBER",
            "payment.card_number": "CREDIT_CARD",
            "financial.iban": "IBAN_CODE",
            "financial.crypto_address": "CRYPTO",
            "network.ip_address": "IP_ADDRESS",
            "network.mac_address": "MAC_ADDRESS",
            "network.url": "URL",
            "government.us_ssn": "US_SSN",
            "government.us_itin": "US_ITIN",
            "government.uk_nhs": "UK_NHS",
            "government.passport": "US_PASSPORT",
            "government.driving_licence": "US_DRIVER_LICENSE",
        },
        {},
    ),
    ColumnPeer(
        DATAPROFILER,
        "peer_dataprofiler_columns.py",
        {
            **dict.fromkeys(_NAMES, "PERSON"),
            "location.street_address": "ADDRESS",
            "contact.email": "EMAIL_ADDRESS",
            "contact.phone": "PHONE_NUMBER",
            "contact.fax": "PHONE_NUMBER",
            "payment.card_number": "CREDIT_CARD",
            "financial.account_number": "BAN",
            "financial.iban": "BAN",
            "network.ip_address": "IP",
            "network.mac_address": "MAC_ADDRESS",
            "network.url": "URL",
            "government.us_ssn": "SSN",
            "government.driving_licence": "DRIVERS_LICENSE",
        },
        {"IPV4": "IP", "IPV6": "IP"},
    ),
    ColumnPeer(
        PIICLEANER,
        "peer_piicleaner_columns.py",
        {
            "location.street_address": "address",
            "location.postal_code": "postcode",
            "contact.email": "email",
            "contact.phone": "telephone",
            "contact.fax": "telephone",
            "network.ip_address": "ip_address",
            "government.uk_nino": "nino",
        },
        {"international-telephone": "telephone"},
    ),
)


def beside(answers: Sequence[Answer]) -> list[str]:
    """The section of the report: each peer and Sextant on a part of the columns that is the same for all."""
    rows, absent = [], []
    for peer in PEERS:
        try:
            rows += _rows(peer, _part(peer, answers))
        except PeerAbsent as why:
            absent.append(f"{peer.peer.name} was not compared: {why}")
    head = ["", "types", "columns", "P", "R", "micro F1", "macro F1", "CPU s"]
    return ["## Columns: beside other tools", "", *table(head, rows), *absent, ""]


def _part(peer: ColumnPeer, answers: Sequence[Answer]) -> list[Answer]:
    """Columns of the types that the peer has, and of none; a part of them, drawn once."""
    fit = [a for a in answers if a.column.truth in peer.types or a.column.truth == NONE]
    fit = [a for a in fit if any(value not in (None, "") for value in a.column.values)]
    return random.Random(5).sample(fit, min(_COLUMNS, len(fit)))


def _rows(peer: ColumnPeer, answers: Sequence[Answer]) -> list[list[object]]:
    told, seconds = peer.told([_some(answer) for answer in answers])
    truth = [peer.group(answer.column.truth) for answer in answers]
    found = []
    for name, said, took in (
        (peer.peer.name, told, f"{seconds:.1f}"),
        ("Sextant", [peer.group(answer.judged) for answer in answers], ""),
    ):
        pairs = list(zip(truth, said, strict=True))
        macro = scores(pairs)
        mean = sum(one.f1 for one in macro.values()) / len(macro)
        found.append([name, len(macro), len(answers), *figures(micro(pairs)), mean, took])
    return found


def _some(answer: Answer) -> list[str]:
    """Some values of the column as text, the first ones that are there."""
    there = [str(value) for value in answer.column.values if value not in (None, "")]
    return there[:_VALUES]
