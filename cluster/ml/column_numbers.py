"""Makers of columns of numbers that pass the check of their kind, drawn until the checks of python-stdnum hold."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from cluster.ml.column_forms import Draw
from cluster.ml.column_people import Value

# The module of python-stdnum that checks the number, and its forms: `d` is a date yymmdd, `D` yyyymmdd, `e` ddmmyy.
CHECKED: dict[str, tuple[str, tuple[str, ...]]] = {
    "government.us_ssn": ("us.ssn", ("#{3}-##-#{4}",)),
    "government.us_itin": ("us.itin", ("9##-7#-#{4}", "9##-8#-#{4}")),
    "government.us_ein": ("us.ein", ("##-#{7}",)),
    "government.uk_nhs": ("gb.nhs", ("#{10}",)),
    "government.de_tax_id": ("de.idnr", ()),
    "government.fr_nir": ("fr.nir", ("1<ym>75#{8}", "2<ym>13#{8}", "1<ym>59#{8}")),
    "government.es_dni": ("es.dni", ("#{8}^",)),
    "government.es_nie": ("es.nie", ("X#{7}^", "Y#{7}^", "Z#{7}^")),
    "government.nl_bsn": ("nl.bsn", ("#{9}",)),
    "government.be_nn": ("be.nn", ("<d>#{3}##",)),
    "government.pl_pesel": ("pl.pesel", ("<d>#{5}",)),
    "government.se_personnummer": ("se.personnummer", ("<d>-#{4}", "<D>-#{4}")),
    "government.fi_hetu": ("fi.hetu", ("<e>-#{3}$",)),
    "government.dk_cpr": ("dk.cpr", ("<e>-#{4}",)),
    "government.no_fodselsnummer": ("no.fodselsnummer", ("<e>#{5}",)),
    "government.ch_ahv": ("ch.ssn", ("756.#{4}.#{4}.##",)),
    "government.br_cpf": ("br.cpf", ("#{9}",)),
    "government.in_aadhaar": ("in_.aadhaar", ("#{4} #{4} #{4}",)),
    "government.in_pan": ("in_.pan", ("^{3}P^#{4}^",)),
    "government.ca_sin": ("ca.sin", ("#{3}-#{3}-#{3}",)),
    "government.cn_resident_id": ("cn.ric", ("110101<D>#{4}", "310115<D>#{4}", "440305<D>#{4}")),
    "government.au_tfn": ("au.tfn", ("#{3} #{3} #{3}",)),
    "financial.us_routing_number": ("us.rtn", ("0#{8}", "1#{8}", "2#{8}", "3#{8}")),
    "device.imei": ("imei", ("35#{13}", "86#{13}", "01#{13}")),
}
_TRIES = 4_000


def checked(name: str, draw: Draw) -> Value:
    """Numbers of a class of `CHECKED`: with their separators or without, by the habit of the column."""
    module, forms = CHECKED[name]
    check = import_module(f"stdnum.{module}")
    bare, typed = draw.rng.random() < 0.4, draw.rng.random() < 0.25

    def make() -> object:
        text = _valid(check, forms, draw)
        text = text.replace("-", "").replace(" ", "").replace(".", "") if bare else text
        return int(text) if bare and typed and text.isdigit() and text[0] != "0" else text

    return make


def _valid(check: Any, forms: tuple[str, ...], draw: Draw) -> str:
    if check.__name__ == "stdnum.br.cpf":
        body = draw.filled("#{9}")
        whole = body + check._calc_check_digits(body)
        return f"{whole[:3]}.{whole[3:6]}.{whole[6:9]}-{whole[9:]}"
    if not forms:
        return _steuer_id(check, draw)
    form = draw.rng.choice(forms)
    for _ in range(_TRIES):
        text = draw.filled(_dated(form, draw))
        for last in _endings(text):
            if check.is_valid(text[:-1] + last):
                return text[:-1] + last
    raise ValueError(f"no number of {check.__name__} was found")


def _endings(text: str) -> str:
    if text[-1].isalpha():
        return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "0123456789" if len(text) < 18 else "0123456789X"


def _dated(form: str, draw: Draw) -> str:
    day, month, year = draw.rng.randint(1, 28), draw.rng.randint(1, 12), draw.rng.randint(1935, 1999)
    parts = {"<d>": f"{year % 100:02}{month:02}{day:02}", "<D>": f"{year}{month:02}{day:02}"}
    parts |= {"<e>": f"{day:02}{month:02}{year % 100:02}", "<ym>": f"{year % 100:02}{month:02}"}
    for mark, text in parts.items():
        form = form.replace(mark, text)
    return form


def _steuer_id(check: Any, draw: Draw) -> str:
    digits = draw.rng.sample("0123456789", 10)
    digits[9] = digits[draw.rng.randrange(8)]
    body = "".join(digits).lstrip("0") if digits[0] != "0" else "1" + "".join(digits)[1:]
    for last in "0123456789":
        if check.is_valid(body + last):
            return body + last
    return _steuer_id(check, draw)


def nino(draw: Draw) -> Value:
    """British national insurance numbers."""
    joint = draw.rng.choice(("", " "))
    pairs = ("AB", "CE", "JK", "PX", "SR", "LW", "HN", "EG", "WM", "YZ")
    return lambda: joint.join((draw.rng.choice(pairs), *(draw.filled("##") for _ in range(3)), draw.rng.choice("ABCD")))


def codice_fiscale(draw: Draw) -> Value:
    """Italian tax codes."""
    from stdnum.it import codicefiscale

    def make() -> str:
        consonants = "".join(draw.rng.choice("BCDFGLMNPRSTVZ") for _ in range(6))
        day = draw.rng.randint(1, 28) + draw.rng.choice((0, 40))
        month, place = draw.rng.choice("ABCDEHLMPRST"), draw.rng.choice("ABCDEFGHL")
        body = f"{consonants}{draw.filled('##')}{month}{day:02}{place}{draw.filled('###')}"
        return body + str(codicefiscale.calc_check_digit(body))

    return make


def curp(draw: Draw) -> Value:
    """Mexican population codes."""
    from stdnum.mx import curp as check

    def make() -> str:
        names = "".join((draw.rng.choice("BCDGHLMPRSV"), draw.rng.choice("AEIOU"), draw.filled("^^")))
        state, rest = (
            draw.rng.choice(("DF", "JC", "NL", "MC", "PL")),
            "".join(draw.rng.choice("BCDFGLMNPRSTV") for _ in range(3)),
        )
        body = f"{names}{_dated('<d>', draw)}{draw.rng.choice('HM')}{state}{rest}0"
        return body + str(check.calc_check_digit(body + "0"))

    return make


def card(draw: Draw) -> Value:
    """Card numbers by Luhn: in blocks of four or whole."""
    from stdnum import luhn

    style = draw.rng.randrange(4)

    def make() -> object:
        body = draw.filled(
            draw.rng.choice(
                ("4#{14}", "5[#{13}".replace("[", draw.rng.choice("12345")), "37#{12}", "6011#{11}", "4#{14}")
            )
        )
        whole = body + str(luhn.calc_check_digit(body))
        if style == 0:
            return int(whole)
        joint = (" ", "-", "")[style - 1]
        return joint.join(whole[at : at + 4] for at in range(0, len(whole), 4))

    return make


def iban(draw: Draw) -> Value:
    """Account numbers of some countries, in blocks or whole."""
    forms = {
        "DE": "#{18}",
        "NL": "ABNA#{10}",
        "GB": "BARC#{14}",
        "FR": "#{10}$${10}##",
        "ES": "#{20}",
        "CH": "#{17}",
        "AT": "#{16}",
        "PL": "#{24}",
    }
    spaced, one = draw.rng.random() < 0.3, draw.rng.choice((*forms, ""))

    def make() -> str:
        country = one or draw.rng.choice(list(forms))
        body = draw.filled(forms[country].replace("$$", "$"))
        number = int("".join(str(int(c, 36)) for c in f"{body}{country}00"))
        whole = f"{country}{98 - number % 97:02}{body}"
        return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if spaced else whole

    return make


def vin(draw: Draw) -> Value:
    """Vehicle numbers with their check character."""
    letters = dict(
        zip(
            "ABCDEFGHJKLMNPRSTUVWXYZ",
            (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
            strict=True,
        )
    )
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)

    def make() -> str:
        head = draw.rng.choice(("1HG", "WBA", "2T1", "JTD", "WVW", "1FT", "3VW", "5YJ", "KMH"))
        text = (
            head
            + "".join(draw.rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(5))
            + "0"
            + draw.filled("#^").replace("I", "A").replace("O", "A").replace("Q", "A")
            + draw.filled("#{6}")
        )
        total = sum((int(c) if c.isdigit() else letters[c]) * w for c, w in zip(text, weights, strict=True)) % 11
        return text[:8] + ("X" if total == 10 else str(total)) + text[9:]

    return make


def npi(draw: Draw) -> Value:
    """US provider numbers by Luhn over 80840 and the number."""
    from stdnum import luhn

    typed = draw.rng.random() < 0.4

    def make() -> object:
        body = draw.rng.choice("12") + draw.filled("#{8}")
        whole = body + str(luhn.calc_check_digit("80840" + body))
        return int(whole) if typed else whole

    return make


SPECIAL: dict[str, Callable[[Draw], Value]] = {
    "government.uk_nino": nino,
    "government.it_codice_fiscale": codice_fiscale,
    "government.mx_curp": curp,
    "payment.card_number": card,
    "financial.iban": iban,
    "vehicle.vin": vin,
    "health.provider_npi": npi,
}
