"""Values of training texts that are no entity and look busy: codes, telephones, dates, amounts."""

import random
import string

Piece = tuple[str, str | None]


class Codes:
    """Makes the values of slots that carry no label."""

    rng: random.Random
    lists: dict[str, list[str]]

    def _digits(self, pattern: str) -> str:
        drawn = {"#": string.digits, "?": string.ascii_uppercase, "h": "0123456789abcdef"}
        return "".join(self.rng.choice(drawn[mark]) if mark in drawn else mark for mark in pattern)

    def _drawn_from(self, *patterns: str) -> list[Piece]:
        return [(self._digits(self.rng.choice(patterns)), None)]

    def _code(self, language: str) -> list[Piece]:
        return self._drawn_from(
            "#######", "ORD-#####", "INC00####", "??-####", "#?#?##", "####-####", "TKT#####", "?##", "???#####"
        )

    def _phone(self, language: str) -> list[Piece]:
        return self._drawn_from(
            "+1 ### ### ####", "(###) ###-####", "0## ########", "+49 ### #######", "0#### ######", "###-####"
        )

    def _uuid(self, language: str) -> list[Piece]:
        return [(self._digits("########-####-####-####-############".replace("#", "h")), None)]

    def _hex(self, language: str) -> list[Piece]:
        return self._drawn_from("hhhhhhh", "hhhhhhhhhhhh")

    def _ip(self, language: str) -> list[Piece]:
        return self._drawn_from("10.0.##.#", "192.168.#.##", "8#.1##.7#.##")

    def _number(self, language: str) -> list[Piece]:
        return [
            (
                str(self.rng.choice([self.rng.randint(1, 12), self.rng.randint(13, 99), self.rng.randint(100, 5000)])),
                None,
            )
        ]

    def _version(self, language: str) -> list[Piece]:
        return self._drawn_from("#.#", "##.04", "#.#.#", "#.##.#")

    def _amount(self, language: str) -> list[Piece]:
        return self._drawn_from("$##.##", "€##", "£#,###", "## EUR", "$#,###.00", "###,## €", "##k")

    def _time(self, language: str) -> list[Piece]:
        hour, minute = self.rng.randint(0, 23), self.rng.randint(0, 59)
        return [
            (self.rng.choice([f"{hour:02}:{minute:02}", f"{hour % 12 + 1}pm", f"{hour % 12 + 1}:{minute:02} am"]), None)
        ]

    def _year(self, language: str) -> list[Piece]:
        return [(str(self.rng.randint(1890, 2026)), None)]

    def _date(self, language: str) -> list[Piece]:
        day, month, year = self.rng.randint(1, 28), self.rng.randint(1, 12), self.rng.randint(1930, 2026)
        named = self.rng.choice(self.lists.get(f"month_{language}") or self.lists["month"])
        forms = [
            f"{year}-{month:02}-{day:02}",
            f"{month}/{day}/{year}",
            f"{day}.{month}.{year}",
            f"{day} {named} {year}",
        ]
        return [
            (
                self.rng.choice(
                    [*forms, f"{named} {day}, {year}", f"{named} {day}", f"{day} {named}", "today", "yesterday"]
                ),
                None,
            )
        ]
