"""What is planted in the demo estate: the ground truth that tests and measurements compare with.

`EXPECTED` says what each column of each table and file holds, `MENTIONS` which free text carries something in some
of its rows, `LINEAGE` what each view is made of. `PLANTED` are single distinctive values whose place is known; no
table, log, event, error or response of Sextant may ever contain one of them (`PLANTED_VALUES`).
"""

from dataclasses import dataclass

from serve.demo.expected import EXPECTED, LINEAGE, MENTIONS

__all__ = ["EXPECTED", "LINEAGE", "MENTIONS", "NEEDLE", "PLANTED", "PLANTED_VALUES", "Planted", "value"]


@dataclass(frozen=True)
class Planted:
    """One value: its key, the value, the asset and column that hold it, and its class."""

    key: str
    value: str
    asset: str
    column: str
    data_class: str


_ACCESS_KEY = "AKIA" + "QX7PLANTED5DEMO2"
_TOKEN = "ghp_" + "Qv7mZ2kD9rTx4LwB8nYc1HsJ6uEa3GfP0oKi"

PLANTED: tuple[Planted, ...] = (
    Planted("needle", "536-48-2917", "support.events", "note", "government.us_ssn"),
    Planted("customer_name", "Zephyrine Quillfeather", "crm.customers", "full_name", "person.full_name"),
    Planted("customer_email", "zephyrine.quillfeather7734@example.com", "crm.customers", "email", "contact.email"),
    Planted("customer_phone", "+1 303-742-8816", "crm.customers", "phone", "contact.phone"),
    Planted("customer_street", "4417 Quillfeather Causeway", "crm.addresses", "street", "location.street_address"),
    Planted("customer_ssn", "417-83-5526", "crm.identity_documents", "ssn", "government.us_ssn"),
    Planted("customer_nir", "272087511304759", "crm.identity_documents", "nir", "government.fr_nir"),
    Planted("card", "4242427709135581", "sales.stored_cards", "pan", "payment.card_number"),
    Planted("cardholder", "OTTOLINE BRACKENRIDGE", "sales.stored_cards", "cardholder", "payment.cardholder_name"),
    Planted("card_grouped", "5555 5580 4417 2638", "support.tickets", "body", "payment.card_number"),
    Planted("iban", "DE27370400440918273645", "sales.bank_accounts", "iban", "financial.iban"),
    Planted("payment_iban", "NL68INGB0739182640", "sales.payments", "payer_account", "financial.iban"),
    Planted("ticket_email", "b.thistlewood.8891@mail.example.com", "support.tickets", "body", "contact.email"),
    Planted("ticket_phone", "+44 7911 738264", "support.tickets", "body", "contact.phone"),
    Planted("employee_name", "Lysander Pettibone-Ashgrove", "hr.employees", "full_name", "person.full_name"),
    Planted("employee_ssn", "604-29-7183", "hr.employees", "ssn", "government.us_ssn"),
    Planted("employee_email", "lysander.pettibone41@corp.example.com", "hr.employees", "work_email", "contact.email"),
    Planted("client_ip", "198.51.100.217", "ops.web_log", "client_ip", "network.ip_address"),
    Planted(
        "client_ipv6", "2001:db8:7a3f:11c9:58e2:4d01:9be6:03f7", "ops.web_log", "forwarded_for", "network.ip_address"
    ),
    Planted("mac", "00:1b:63:9f:4e:d7", "ops.devices", "mac", "network.mac_address"),
    Planted("access_key", _ACCESS_KEY, "ops.api_credentials", "access_key_id", "credential.aws_access_key"),
    Planted("git_token", _TOKEN, "ops.api_credentials", "personal_token", "credential.api_key"),
    Planted("webhook_email", "o.brackenridge.5520@post.example.org", "ops.webhooks", "payload", "contact.email"),
    Planted("lead_email", "perpetua.winterbourne93@example.net", "marketing/leads.csv", "Contact", "contact.email"),
    Planted("lead_phone", "617.448.2093", "marketing/leads.csv", "Tel", "contact.phone"),
    Planted("file_ssn", "283-61-9047", "hr/employees_2026-03.csv", "SSN", "government.us_ssn"),
    Planted("file_card", "4111119366048151", "exports/payments.csv", "card_number", "payment.card_number"),
    Planted("file_iban", "GB05BARC20183974062815", "exports/payments.csv", "payer_iban", "financial.iban"),
    Planted(
        "log_email", "cornelius.featherstone17@example.org", "logs/app/2026-03-30.jsonl", "message", "contact.email"
    ),
    Planted("log_card", "6011112577309468", "logs/app/2026-03-30.jsonl", "message", "payment.card_number"),
)

PLANTED_VALUES: tuple[str, ...] = tuple(p.value for p in PLANTED)
"""Every planted value as it stands in its source."""

NEEDLE: Planted = PLANTED[0]
"""The one social security number of the event table: one row of them all, at two fifths of the table."""

_BY_KEY = {p.key: p.value for p in PLANTED}


def value(key: str) -> str:
    """The planted value of that key."""
    return _BY_KEY[key]
