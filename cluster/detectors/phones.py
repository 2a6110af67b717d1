"""Telephone numbers against the numbering plans of the phonenumbers library.

The library's own parser manages some 22,000 numbers a second; the plans alone, compiled once for each country code, are
enough to say whether a number can exist, at many times that speed.
"""

import re
from functools import cache
from typing import Final

from cluster.detectors.checksums import digits_of

_EXTENSION: Final = re.compile(r"(?i)\s*(?:x|ext\.?)\s*[0-9]+$")
LONGEST: Final = 15  # ITU-T E.164
_DATE: Final = re.compile(
    r"[0-9]{1,2}[./\-][0-9]{1,2}[./\-](?:[0-9]{4}|[0-9]{2})(?![0-9]|[.\-][0-9])"
    r"|[0-9]{4}[./\-][0-9]{1,2}[./\-][0-9]{1,2}(?![0-9])"
)
_AMOUNT: Final = re.compile(r"[0-9]{1,3}(?:[., ][0-9]{3})+[.,][0-9]{2}|[0-9]+[.,][0-9]{1,2}")
_SSN: Final = re.compile(r"[0-9]{3}([- ])[0-9]{2}\1[0-9]{4}")
_NANP: Final = re.compile(r"1?([2-9][0-8][0-9])([2-9][0-9]{2})[0-9]{4}")


def phone_international(text: str) -> bool:
    """A number with its country code (ITU-T E.164) that the plan of that country allows, or a North American one."""
    digits = _number(text)
    if digits.startswith("001"):
        return _north_american(digits[2:])
    if "+" in text or digits.startswith("00"):
        return in_some_plan(digits.removeprefix("00"))
    return _north_american(digits)


def phone_national(text: str) -> bool:
    """As above; or a number with trunk prefix 0, or 7 to 12 digits that do not begin with 0."""
    digits = _number(text)
    if phone_international(text):
        return True
    if len(set(digits)) < 3:
        return False
    if digits.startswith("0"):
        return 9 <= len(digits) <= 12
    return 7 <= len(digits) <= 13


def phone_trunk(text: str) -> bool:
    """A national number with its trunk prefix 0, in the plan of some country that has that prefix."""
    digits = _number(text)
    return 9 <= len(digits) <= 12 and len(set(digits)) > 2 and not _DATE.match(text) and _trunk_plans(digits)


def phone_announced(text: str) -> bool:
    """Digits after words that announce a telephone number: as many as one has, and no date, amount or repetition."""
    digits = _number(text)
    if not 7 <= len(digits) <= 15 or len(set(digits)) < 3:
        return False
    if _DATE.match(text) or _AMOUNT.fullmatch(text) or _SSN.fullmatch(text):
        return False
    return in_some_plan(digits) if text.startswith("+") else True


def _trunk_plans(digits: str) -> bool:
    return any(plan.fullmatch(digits[1:]) or plan.fullmatch(digits) for plan in national_plans())


@cache
def national_plans() -> tuple[re.Pattern[str], ...]:
    """The plans of the countries whose national prefix is 0."""
    from phonenumbers import SUPPORTED_REGIONS, PhoneMetadata

    codes = {
        str(metadata.country_code)
        for region in sorted(SUPPORTED_REGIONS)
        if (metadata := PhoneMetadata.metadata_for_region(region, None)) and metadata.national_prefix == "0"
    }
    return tuple(plan for code in sorted(codes | {"39"}) for plan in plans(code))


def _number(text: str) -> str:
    return digits_of(_EXTENSION.split(text)[0] if "x" in text or "X" in text else text)


def _north_american(digits: str) -> bool:
    match = _NANP.fullmatch(digits)
    return match is not None and match[1][1:] != "11" and match[2][1:] != "11"


def in_some_plan(digits: str) -> bool:
    """Whether digits that begin with a country code are a number that a plan of that code allows."""
    if len(digits) > LONGEST:
        return False
    return any(
        plan.fullmatch(digits[length:].removeprefix("0")) or plan.fullmatch(digits[length:])
        for length in (1, 2, 3)
        for plan in plans(digits[:length])
    )


@cache
def plans(country_code: str) -> tuple[re.Pattern[str], ...]:
    """The patterns of national numbers of every region that shares a country code; none if there is no such code."""
    import phonenumbers
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    if not country_code.isdigit() or country_code.startswith("0"):
        return ()
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(country_code), ())
    found = []
    for region in regions:
        world = region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
        metadata = (
            PhoneMetadata.metadata_for_nongeo_region(int(country_code), None)
            if world
            else PhoneMetadata.metadata_for_region(region, None)
        )
        pattern = metadata.general_desc.national_number_pattern if metadata and metadata.general_desc else None
        if isinstance(pattern, str):
            found.append(re.compile(pattern))
    return tuple(found)
