"""Numbers with check digits that masks cannot make: cards, IBANs, vehicles, Italian fiscal codes."""

import random
from typing import Final

from tests.accuracy import people
from tests.accuracy.masks import fill


def _luhn_ending(digits: str) -> str:
    total = sum(sum(divmod(int(sign) * (2 - place % 2), 10)) for place, sign in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def cards(rng: random.Random, language: str, n: int) -> list[str]:
    made = []
    spaced = rng.choice([" ", "-", "", ""])
    for _ in range(n):
        start, length = rng.choice(
            [("4", 16), ("51", 16), ("54", 16), ("2231", 16), ("34", 15), ("6011", 16), ("37", 15)]
        )
        number = _luhn_ending(start + fill(rng, "#" * (length - 1 - len(start))))
        made.append(spaced.join(number[i : i + 4] for i in range(0, 16, 4)) if length == 16 else number)
    return made


def tracks(rng: random.Random, language: str, n: int) -> list[str]:
    made = []
    for _ in range(n):
        number, who = _luhn_ending("4" + fill(rng, "#" * 14)), people.someone(rng, language)
        end = fill(rng, "2{7|8|9}{03|06|11}{101|201}########")
        first, last = who.ascii()
        made.append(rng.choice([f";{number}={end}?", f"%B{number}^{last.upper()}/{first.upper()}^{end}?"]))
    return made


_IBANS: Final = {
    "DE": "##################",
    "FR": "####################%##",
    "ES": "####################",
    "NL": "{INGB|RABO|ABNA}##########",
    "IT": "@######################",
    "PL": "########################",
    "GB": "{BARC|LOYD|NWBK}##############",
    "BE": "############",
    "AT": "################",
    "CH": "#################",
    "SE": "####################",
    "TR": "######0################",
    "PT": "#####################",
}
_IBAN_OF: Final = {
    "de": "DE AT CH",
    "fr": "FR BE",
    "es": "ES",
    "it": "IT",
    "nl": "NL BE",
    "pl": "PL",
    "en": "GB DE FR NL ES",
}


def ibans(rng: random.Random, language: str, n: int) -> list[str]:
    grouped, countries = rng.random() < 0.4, _IBAN_OF.get(language, "SE TR PT DE").split()
    made = []
    for _ in range(n):
        country = rng.choice(countries)
        body = fill(rng, _IBANS[country])
        number = int("".join(str(int(sign, 36)) for sign in f"{body}{country}00"))
        whole = f"{country}{98 - number % 97:02}{body}"
        made.append(" ".join(whole[i : i + 4] for i in range(0, len(whole), 4)) if grouped else whole)
    return made


def vins(rng: random.Random, language: str, n: int) -> list[str]:
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [*range(1, 9), 1, 2, 3, 4, 5, 7, 9, *range(2, 10)], strict=True))
    weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    made = []
    for _ in range(n):
        front = rng.choice(["1HG", "WVW", "JTD", "3FA", "5YJ", "KMH", "WBA", "VF1"])
        signs = [
            *front,
            *rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=7),
            *rng.choices("HJKLMNPR", k=1),
            *fill(rng, "######"),
        ]
        total = sum((int(s) if s.isdigit() else values[s]) * weight for s, weight in zip(signs, weights, strict=True))
        signs[8] = "X" if total % 11 == 10 else str(total % 11)
        made.append("".join(signs))
    return made


def fiscal_codes(rng: random.Random, language: str, n: int) -> list[str]:
    """Consonants of two names, date and sex, a place of the land register, and the check sign of python-stdnum."""
    from stdnum.it.codicefiscale import calc_check_digit

    made = []
    for _ in range(n):
        first, last = people.someone(rng, "it", foreign=0.1).ascii()
        name = "".join(
            ([s for s in part if s not in "aeiou"] + [s for s in part if s in "aeiou"] + list("xxx"))[i]
            for part in (last, first)
            for i in range(3)
        )
        day, month = rng.randrange(1, 29) + rng.choice([0, 40]), rng.choice("ABCDEHLMPRST")
        body = f"{name.upper()}{rng.randrange(30, 99)}{month}{day:02}{rng.choice('ABCDFGHLZ')}{rng.randrange(100, 900)}"
        made.append(body + calc_check_digit(body))
    return made
