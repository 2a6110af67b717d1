"""Names of columns: in many languages and styles they say what is there, by whole words, and words about it do not."""

import pytest
from detection_columns import classes_of, rules

from cluster.detectors.words import phrases_of
from cluster.kernels.plan import names_match

VALUES = {
    "contact.email": [f"user{i}@example{i % 5}.org" for i in range(60)],
    "contact.phone": [f"0{151 + i % 20}{2_345_678 + i * 7919}" for i in range(60)],
    "person.birth_date": [f"{1 + i % 28:02d}.{1 + i % 12:02d}.{1940 + i % 60}" for i in range(60)],
    "person.given_name": ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Linus", "Zoë", "Jean-Luc"] * 5,
    "person.family_name": ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "O'Brien"] * 5,
    "person.gender": ["M", "F"] * 30,
    "location.postal_code": [f"{10_115 + i * 311}" for i in range(60)],
    "location.street_address": [f"Via Roma {i}" for i in range(1, 60)],
    "financial.account_number": [f"{10_000_000 + i * 977}" for i in range(60)],
    "credential.password": [f"pw{i}x!Q" for i in range(60)],
}
NAMES = {
    "contact.email": (
        "cust_eml", "emailAddr", "E-Mail-Adresse", "courriel", "CorreoElectronico", "posta_elettronica", "e_postadress",
        "sahkoposti", "adres_email", "eposta",
    ),
    "contact.phone": (
        "cust_ph_no", "mob", "tel1", "TelNr", "Rufnummer", "numero_de_telephone", "telefono_movil", "telemovel",
        "telefoonnummer", "nr_telefonu", "tlf_nr", "puhelinnumero", "CepTelefonu", "Telefonní číslo",
    ),
    "person.birth_date": (
        "dob", "patientDOB", "b_date", "Geburtsdatum", "DATE_DE_NAISSANCE", "DATEDENAISSANCE", "fecha_nac",
        "dataDiNascita", "dt_nascimento", "geboortedatum", "data_urodzenia", "fodselsdato", "födelsedatum",
        "syntymäaika", "dogum_tarihi", "datum_narození",
    ),
    "person.given_name": ("fname", "F_NAME", "vorname", "prénom", "primer_nombre", "voornaam", "imię", "etunimi"),
    "person.family_name": ("lname", "nachname", "apellidos", "cognome", "achternaam", "nazwisko", "soyad"),
    "person.gender": ("sex_cd", "Geschlecht", "sexe", "sexo", "sesso", "geslacht", "płeć", "kjønn", "sukupuoli"),
    "location.postal_code": ("zip_cd", "PLZ", "code_postal", "código postal", "CAP", "kod_pocztowy", "postnr", "PSČ"),
    "location.street_address": ("addr_ln1", "AddressLine1", "Anschrift", "indirizzo", "domicilio", "endereço", "ulica"),
    "financial.account_number": ("acct_no", "Kontonummer", "numero_de_compte_bancaire", "nr_konta", "rekeningnummer"),
    "credential.password": ("pword", "mot_de_passe", "contraseña", "wachtwoord", "hasło", "şifre", "Passwort"),
}  # fmt: skip


@pytest.mark.parametrize(("expected", "name"), [(c, name) for c, names in NAMES.items() for name in names])
def test_a_name_in_its_language_makes_the_label_automatic(expected: str, name: str) -> None:
    assert classes_of(name, VALUES[expected]).get(expected) == "automatic"


def _named(name: str) -> set[str]:
    using = rules()
    return {
        d.data_class for d in using.detectors if d.names and names_match(d, phrases_of(name), using.attribute_words)
    }


@pytest.mark.parametrize(
    "name",
    [
        "email_verified", "phone_type", "address_count", "name_length", "card_brand", "isEmailValid", "has_phone",
        "password_length", "zip_ratio", "email_bounced", "dob_verified", "ssn_provided", "avg_salary_pct", "iban_check",
        "Anzahl_Telefon", "tipo_documento", "passport_type", "blood_type_verified", "public", "lesson", "page",
        "cabinet", "shipping", "recap", "salary_cap", "created_by", "lane", "mapping", "Datum", "Preis", "etat",
    ],
)  # fmt: skip
def test_a_word_about_the_thing_or_a_part_of_a_word_is_no_name_for_it(name: str) -> None:
    assert _named(name) == set()


@pytest.mark.parametrize(
    ("name", "data_class"),
    [
        ("blood_type", "health.blood_type"),
        ("Marital Status", "person.marital_status"),
        ("ssn4", "government.us_ssn_partial"),
        ("tc_kimlik_no", "government.tr_kimlik"),
        ("numero_documento", "government.national_id"),
        ("Steuernummer", "government.tax_id"),
        ("targa_veicolo", "vehicle.plate"),
    ],
)
def test_a_word_within_the_name_of_the_thing_does_not_count_against_it(name: str, data_class: str) -> None:
    assert data_class in _named(name)


def test_a_phrase_after_an_equals_sign_has_to_be_the_whole_name() -> None:
    assert "=cap" in phrases_of("CAP")
    assert "=cap" not in phrases_of("salary_cap")
    assert "location.postal_code" in _named("CAP")
