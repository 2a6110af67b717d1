"""The numbers of people, state by state: which digits mean what, and which check digit follows from the others."""

from typing import Final

import numpy as np

from cluster.detectors.check_digits import ColumnCheck
from cluster.detectors.national_digits import (
    Mask,
    Rows,
    alike,
    dated,
    luhn,
    mod_11_10,
    of_length,
    verhoeff,
    weighted,
)

_EE_FIRST: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)
_EE_AGAIN: Final = (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)
_KZ_FIRST: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_KZ_AGAIN: Final = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
_INDONESIAN_PROVINCES: Final = (*range(11, 20), 21, *range(31, 37), *range(51, 54), *range(61, 66), *range(71, 77),
                                81, 82, *range(91, 98))  # fmt: skip


def _pl_pesel(d: Rows) -> Mask:
    born = dated(d, 2, 4, months=(0, 20, 40, 60, 80))
    return np.asarray(born & (weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0))


def _br_cpf(d: Rows) -> Mask:
    first = weighted(d, (10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    second = weighted(d, (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    return np.asarray((d[:, 9] == first) & (d[:, 10] == second) & ~alike(d))


def _tr_kimlik(d: Rows) -> Mask:
    tenth = (7 * d[:, 0:9:2].sum(axis=1) - d[:, 1:8:2].sum(axis=1)) % 10
    return np.asarray((d[:, 0] != 0) & (d[:, 9] == tenth) & (d[:, 10] == d[:, :10].sum(axis=1) % 10))


def _no_fodselsnummer(d: Rows) -> Mask:
    born = dated(d, 2, 0, months=(0, 40, 80), days=(0, 40))
    first = weighted(d, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
    return np.asarray(born & first & (weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0))


def _ee_lt_code(d: Rows) -> Mask:
    first, again = weighted(d, _EE_FIRST) % 11, weighted(d, _EE_AGAIN) % 11 % 10
    born = dated(d, 3, 5) & (d[:, 0] >= 1) & (d[:, 0] <= 8)
    return np.asarray(born & (d[:, 10] == np.where(first < 10, first, again)))


def _gr_amka(d: Rows) -> Mask:
    return np.asarray(dated(d, 2, 0) & luhn(d))


def _be_nn(d: Rows) -> Mask:
    number = d[:, :9] @ 10 ** np.arange(8, -1, -1)
    check = d[:, 9] * 10 + d[:, 10]
    # A 2 goes before the number of those born from 2000 on.
    young = (97 - (number + 2 * 10**9) % 97 == check) & (d[:, 0] <= 3)
    return np.asarray(dated(d, 2, 4, months=(0, 20, 40)) & ((97 - number % 97 == check) | young))


def _hr_oib(d: Rows) -> Mask:
    return np.asarray(mod_11_10(d) & ~alike(d))


def _de_idnr(d: Rows) -> Mask:
    # Of the first ten digits one occurs twice or three times, and no other more than once.
    counts = np.stack([(d[:, :10] == digit).sum(axis=1) for digit in range(10)], axis=1)
    repeated = (counts > 1).sum(axis=1) == 1
    return np.asarray((d[:, 0] != 0) & repeated & (counts.max(axis=1) <= 3) & mod_11_10(d))


def _ru_snils(d: Rows) -> Mask:
    check = weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, 1)) % 101 % 100
    return np.asarray((d[:, 9] * 10 + d[:, 10] == check) & ~alike(d[:, :9]))


def _ru_inn(d: Rows) -> Mask:
    first = weighted(d, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = weighted(d, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return np.asarray((d[:, 10] == first) & (d[:, 11] == second) & ~alike(d))


def _ro_cnp(d: Rows) -> Mask:
    check = weighted(d, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    county = d[:, 7] * 10 + d[:, 8]
    lived = dated(d, 3, 5) & (d[:, 0] > 0) & (county >= 1) & ((county <= 52) | (county == 70))
    return np.asarray(lived & (d[:, 12] == np.where(check == 10, 1, check)))


def _emso(d: Rows) -> Mask:
    total = weighted(d, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    born = dated(d, 2, 0) & ((d[:, 4] == 9) | (d[:, 4] == 0))
    return np.asarray(born & (total != 1) & (d[:, 12] == (11 - total) % 11))


def _za_id(d: Rows) -> Mask:
    return np.asarray(dated(d, 2, 4) & (d[:, 10] <= 2) & luhn(d))


def _kr_rrn(d: Rows) -> Mask:
    check = (11 - weighted(d, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return np.asarray(dated(d, 2, 4) & (d[:, 6] >= 1) & (d[:, 6] <= 8) & (d[:, 12] == check))


def _th_pin(d: Rows) -> Mask:
    check = (11 - weighted(d, (13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11) % 10
    return np.asarray((d[:, 0] >= 1) & (d[:, 0] <= 8) & (d[:, 12] == check))


def _jp_my_number(d: Rows) -> Mask:
    total = weighted(d, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return np.asarray((d[:, 11] == np.where(total < 2, 0, 11 - total)) & ~alike(d))


def _in_aadhaar(d: Rows) -> Mask:
    return np.asarray((d[:, 0] >= 2) & verhoeff(d) & ~alike(d) & ~(d == d[:, ::-1]).all(axis=1))


def _kz_iin(d: Rows) -> Mask:
    first, again = weighted(d, _KZ_FIRST) % 11, weighted(d, _KZ_AGAIN) % 11
    check = np.where(first < 10, first, again)
    return np.asarray(dated(d, 2, 4) & (d[:, 6] >= 1) & (d[:, 6] <= 6) & (d[:, 11] == check))


def _pt_nif(d: Rows) -> Mask:
    # The first digit says what was registered: 1 to 3 and 4 are people, the others companies and estates.
    check = (11 - weighted(d, (9, 8, 7, 6, 5, 4, 3, 2)) % 11) % 11 % 10
    return np.asarray((d[:, 0] >= 1) & (d[:, 0] <= 4) & (d[:, 8] == check))


def _nl_bsn(d: Rows) -> Mask:
    return np.asarray((weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0) & ~alike(d) & (d[:, :3].sum(axis=1) > 0))


def _bg_egn(d: Rows) -> Mask:
    check = weighted(d, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    return np.asarray(dated(d, 2, 4, months=(0, 20, 40)) & (d[:, 9] == check))


def _ua_rnokpp(d: Rows) -> Mask:
    check = weighted(d, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10
    return np.asarray((d[:, 9] == check) & ~alike(d))


def _se_personnummer(d: Rows) -> Mask:
    ten = d[:, -10:]
    century = (d[:, 0] * 10 + d[:, 1] == 19) | (d[:, 0] * 10 + d[:, 1] == 20) if d.shape[1] == 12 else True
    return np.asarray(dated(ten, 2, 4, days=(0, 60)) & luhn(ten) & century)


def _is_kennitala(d: Rows) -> Mask:
    person = dated(d, 2, 0) & np.isin(d[:, 9], (8, 9, 0))
    return np.asarray(person & (weighted(d, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0))


def _cz_sk_birth_number(d: Rows) -> Mask:
    number = d @ 10 ** np.arange(9, -1, -1)
    return np.asarray(dated(d, 2, 4, months=(0, 20, 50, 70)) & (number % 11 == 0))


def _id_nik(d: Rows) -> Mask:
    province = np.isin(d[:, 0] * 10 + d[:, 1], _INDONESIAN_PROVINCES)
    return np.asarray(province & dated(d, 8, 6, days=(0, 40)) & (d[:, 12:].sum(axis=1) > 0))


def _eg_national_id(d: Rows) -> Mask:
    governorate = d[:, 7] * 10 + d[:, 8]
    somewhere = (governorate >= 1) & (governorate <= 35) | (governorate == 88)
    return np.asarray(dated(d, 3, 5) & ((d[:, 0] == 2) | (d[:, 0] == 3)) & somewhere)


def _ae_emirates_id(d: Rows) -> Mask:
    year = d[:, 3] * 10 + d[:, 4]
    return np.asarray((d[:, 0] == 7) & (d[:, 1] == 8) & (d[:, 2] == 4) & ((year == 19) | (year == 20)) & luhn(d))


def _hu_taj(d: Rows) -> Mask:
    return np.asarray((d[:, 8] == weighted(d, (3, 7, 3, 7, 3, 7, 3, 7)) % 10) & ~alike(d))


def _uy_ci(d: Rows) -> Mask:
    return np.asarray((d[:, -1] == -weighted(d, (2, 9, 8, 7, 6, 3, 4)) % 10) & ~alike(d))


def _at_svnr(d: Rows) -> Mask:
    weights = np.array((3, 7, 9, 0, 5, 8, 4, 2, 1, 6))
    return np.asarray(dated(d, 6, 4) & (d[:, 0] > 0) & (d[:, 3] == (d @ weights) % 11))


def _au_medicare(d: Rows) -> Mask:
    first = (d[:, 0] >= 2) & (d[:, 0] <= 6)
    return np.asarray(first & (d[:, 8] == weighted(d, (1, 3, 7, 9, 1, 3, 7, 9)) % 10))


def _mx_clabe(d: Rows) -> Mask:
    rows = d[:, :17] * np.array((3, 7, 1) * 5 + (3, 7)) % 10
    return np.asarray((d[:, 17] == -rows.sum(axis=1) % 10) & ~alike(d))


def _br_cnpj(d: Rows) -> Mask:
    first = weighted(d, (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    second = weighted(d, (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    checks = (d[:, 12] == np.where(first < 2, 0, 11 - first)) & (d[:, 13] == np.where(second < 2, 0, 11 - second))
    return np.asarray(checks & ~alike(d))


NATIONAL_CHECKS: Final[dict[str, ColumnCheck]] = {
    "pl_pesel": of_length(_pl_pesel, 11),
    "br_cpf": of_length(_br_cpf, 11),
    "tr_kimlik": of_length(_tr_kimlik, 11),
    "no_fodselsnummer": of_length(_no_fodselsnummer, 11),
    "ee_lt_code": of_length(_ee_lt_code, 11),
    "gr_amka": of_length(_gr_amka, 11),
    "be_nn": of_length(_be_nn, 11),
    "hr_oib": of_length(_hr_oib, 11),
    "de_idnr": of_length(_de_idnr, 11),
    "ru_snils": of_length(_ru_snils, 11),
    "ru_inn": of_length(_ru_inn, 12),
    "ro_cnp": of_length(_ro_cnp, 13),
    "emso": of_length(_emso, 13),
    "za_id": of_length(_za_id, 13),
    "kr_rrn": of_length(_kr_rrn, 13),
    "th_pin": of_length(_th_pin, 13),
    "jp_my_number": of_length(_jp_my_number, 12),
    "in_aadhaar": of_length(_in_aadhaar, 12),
    "kz_iin": of_length(_kz_iin, 12),
    "pt_nif": of_length(_pt_nif, 9),
    "nl_bsn": of_length(_nl_bsn, 9),
    "bg_egn": of_length(_bg_egn, 10),
    "ua_rnokpp": of_length(_ua_rnokpp, 10),
    "se_personnummer": of_length(_se_personnummer, 10, 12),
    "is_kennitala": of_length(_is_kennitala, 10),
    "cz_sk_birth_number": of_length(_cz_sk_birth_number, 10),
    "id_nik": of_length(_id_nik, 16),
    "eg_national_id": of_length(_eg_national_id, 14),
    "ae_emirates_id": of_length(_ae_emirates_id, 15),
    "hu_taj": of_length(_hu_taj, 9),
    "uy_ci": of_length(_uy_ci, 8),
    "at_svnr": of_length(_at_svnr, 10),
    "au_medicare": of_length(_au_medicare, 10, 11),
    "mx_clabe": of_length(_mx_clabe, 18),
    "br_cnpj": of_length(_br_cnpj, 14),
}
"""By the name of the validator in a pack."""
