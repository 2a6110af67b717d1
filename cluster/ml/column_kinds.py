"""Makers of columns by forms, by lists and by ranges, and of those classes that such a maker is enough for."""

from collections.abc import Sequence

from cluster.ml import column_people as people
from cluster.ml import column_pools as pools
from cluster.ml.column_forms import Draw
from cluster.ml.column_people import Maker, Value


def of_forms(forms: Sequence[str], draw: Draw) -> Value:
    """Values of one of the forms, at times of two."""
    chosen = draw.rng.sample(forms, min(len(forms), draw.rng.choices((1, 2, 3), (0.75, 0.15, 0.1))[0]))
    number = draw.rng.random() < 0.5 and all(set(form) <= set("#{}0123456789,") for form in chosen)
    case = draw.rng.choices((str, str.upper, str.lower), (0.85, 0.1, 0.05))[0]
    case = case if any("{" in form and not number for form in chosen) else str

    def make() -> object:
        text = draw.filled(draw.rng.choice(chosen))
        return int(text) if number and len(text) < 18 else case(text)

    return make


def of_list(words: Sequence[str], draw: Draw, most: int = 60, least: int = 2) -> Value:
    """Words of a list, some oftener than others, written in one way."""
    some = draw.rng.sample(list(words), min(len(words), max(least, most)))
    weights = [1 / (place + 1) ** draw.rng.choice((0, 0.5, 1)) for place in range(len(some))]
    manner = draw.rng.choices((str, str.title, str.upper, str.lower, str.capitalize), (2, 4, 2, 1, 3))[0]
    return lambda: manner(draw.rng.choices(some, weights)[0])


def of_numbers(limits: tuple[float, float, int], draw: Draw) -> Value:
    """Numbers of a part of the range: even, skewed to small ones, around a middle, or counted up."""
    low, high, places = limits
    rng = draw.rng
    width = (high - low) * rng.choice((1.0, 1.0, 0.5, 0.1))
    start = low + (high - low - width) * rng.random()
    style, text, at = rng.choice(("even", "even", "skewed", "middle", "up")), rng.random() < 0.4, [start]

    def make() -> object:
        share = rng.random()
        if style == "up":
            at[0] += 10.0**-places * rng.choice((1, 1, 1, 2))
            number = at[0]
        elif style == "middle":
            number = start + width * min(max(rng.gauss(0.5, 0.15), 0), 1)
        else:
            number = start + width * (share**3 if style == "skewed" else share)
        whole: object = round(number, places) if places else round(number)
        return str(whole) if text else whole

    return make


def ages(draw: Draw) -> Value:
    return of_numbers(draw.rng.choice(((0, 100, 0), (18, 90, 0), (1, 17, 0))), draw)


def years(draw: Draw) -> Value:
    return of_numbers((1930, 2012, 0), draw)


def incomes(draw: Draw) -> Value:
    if draw.rng.random() < 0.25:
        return of_forms(["\\$#{2},#{3}", "\\$#{3},#{3}.00", "#{2}.#{3},00 €", "£#{2},#{3}"], draw)
    return of_numbers(draw.rng.choice(((14_000, 250_000, 0), (900, 12_000, 2), (9, 80, 2), (20_000, 120_000, 2))), draw)


def coordinates(draw: Draw) -> Value:
    rng, places = draw.rng, draw.rng.randint(3, 7)
    lat, lon, spread = rng.uniform(-50, 65), rng.uniform(-150, 150), rng.choice((0.2, 2, 20))
    style, text = rng.choice(("lat", "lon", "pair", "pair")), rng.random() < 0.5
    joint = rng.choice((", ", ",", " ", ";"))

    def make() -> object:
        one, two = round(lat + rng.uniform(-spread, spread), places), round(lon + rng.uniform(-spread, spread), places)
        if style == "pair":
            return f"({one}{joint}{two})" if places == 7 else f"{one}{joint}{two}"
        number = one if style == "lat" else two
        return str(number) if text else number

    return make


def postal(draw: Draw) -> Value:
    forms = [
        "#{5}",
        "#{5}",
        "#{5}",
        "#{5}-#{4}",
        "^## #^^",
        "^^# #^^",
        "^^## #^^",
        "^#^ #^#",
        "#{4} ^^",
        "##-#{3}",
        "#{5}-#{3}",
        "#{4}",
        "#{6}",
        "#{3} ##",
        "^-#{5}",
    ]
    form, typed = draw.rng.choice(forms), draw.rng.random() < 0.25
    head = str(draw.rng.randint(1, 9)) + draw.filled("#")

    def make() -> object:
        text = draw.filled(form)
        text = head + text[2:] if form.startswith("#{5}") else text
        return int(text) if typed and text.isdigit() else text

    return make


def ips(draw: Draw) -> Value:
    new, kind = draw.rng.random() < 0.15, draw.rng.choice(("10.0", "192.168", "", ""))

    def make() -> str:
        if new:
            return draw.filled("2001:db8:%{4}:%{3}::%{2}")
        tail = [str(draw.rng.randint(1, 254)) for _ in range(4)]
        return f"{kind}.{tail[0]}.{tail[1]}" if kind else ".".join(tail)

    return make


def diagnosis_codes(draw: Draw) -> Value:
    codes = (
        "E11.9",
        "I10",
        "J45.909",
        "F32.9",
        "M54.5",
        "Z23",
        "K21.9",
        "N39.0",
        "R51",
        "S72.001A",
        "C50.911",
        "G43.909",
        "A09",
        "B20",
        "O80",
        "L40.0",
    )
    if draw.rng.random() < 0.15:  # the ninth revision
        forms = ("#{3}.#", "#{3}.##", "#{3}", "V##.#")
        return lambda: draw.filled(draw.rng.choice(forms))
    return lambda: (
        draw.rng.choice(codes) if draw.rng.random() < 0.4 else draw.filled(draw.rng.choice(("^##.#", "^##", "^##.##")))
    )


def medications(draw: Draw) -> Value:
    named = of_list(pools.words()["medication"], draw, most=300)
    dosed, tails = (
        draw.rng.random() < 0.5,
        (" #{2} mg", " #{3}mg", " #{3} mg tablet", " ## MG Oral Tablet", " 0.# mcg", " ### mg/5 mL"),
    )
    return lambda: str(named()) + (draw.filled(draw.rng.choice(tails)) if dosed and draw.rng.random() < 0.8 else "")


def diagnoses(draw: Draw) -> Value:
    named = of_list(pools.words()["diagnosis"], draw, most=draw.rng.choice((8, 30, 300)))
    tails = (
        ", unspecified",
        " (chronic)",
        ", stage #",
        " - acute",
        "",
        "",
        "",
        "",
        "",
        "; follow-up",
        " left side",
        " History of",
    )
    told = draw.rng.random() < 0.3
    return lambda: str(named()) + (draw.filled(draw.rng.choice(tails)) if told else "")


def listed(kind: str, most: int = 8) -> Maker:
    def maker(draw: Draw) -> Value:
        return of_list(pools.words()[kind], draw, most=draw.rng.randint(2, most), least=2)

    return maker


def genders(draw: Draw) -> Value:
    sets = (
        ("M", "F"),
        ("M", "F", "X"),
        ("Male", "Female"),
        ("m", "w", "d"),
        ("H", "F"),
        ("man", "vrouw"),
        ("K", "M"),
        ("male", "female", "unknown"),
        ("1", "2"),
        ("1", "2", "9"),
        ("0", "1"),
        ("L", "P"),
        ("E", "K"),
        ("muž", "žena"),
        ("мужской", "женский"),
        ("férfi", "nő"),
    )
    if draw.rng.random() < 0.6:
        return of_list(draw.rng.choice(sets), draw)
    return listed("gender", 7)(draw)


def plates_of_county(draw: Draw) -> Value:
    return of_list(pools.counties(), draw, most=draw.rng.choice((5, 30, 120)))


def towns(draw: Draw) -> Value:
    case, few = people.cased(draw), draw.rng.random() < 0.5
    some = [draw.town() for _ in range(draw.rng.randint(3, 40))]
    country = draw.rng.choice([code for code, names in sorted(pools.towns().items()) if len(names) > 20])
    local = pools.towns()[country]
    one_country = draw.rng.random() < 0.7
    return lambda: case(draw.rng.choice(local if one_country else some) if not few else draw.rng.choice(some))
