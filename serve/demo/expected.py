"""What each column of the demo estate holds: the answers of the exam.

Classes are those of `configs/taxonomy.yaml`; None means that the column holds nothing that is reported. A column that
is not named here is not asked, since more than one answer can be defended (a country, the first day of a sick leave).
Columns of free text are judged as a whole in `EXPECTED` and by what some of their rows say in `MENTIONS`.
"""

_CUSTOMER: dict[str, str | None] = {
    "customer_id": None,
    "full_name": "person.full_name",
    "given_name": "person.given_name",
    "family_name": "person.family_name",
    "email": "contact.email",
    "email_verified": None,
    "phone": "contact.phone",
    "phone_model": None,
    "date_of_birth": "person.birth_date",
    "gender": "person.gender",
    "loyalty_points": None,
    "created_at": None,
}

_WEB_LOG: dict[str, str | None] = {
    "request_id": None,
    "at": None,
    "client_ip": "network.ip_address",
    "forwarded_for": "network.ip_address",
    "user_agent": "network.user_agent",
    "url": "network.url",
    "status": None,
    "bytes": None,
}

_ORDER: dict[str, str | None] = {
    "order_number": None,
    "customer_id": None,
    "placed_at": None,
    "due_date": None,
    "status": None,
    "currency": None,
    "total": None,
    "tracking_number": None,
}

_AIRPORTS: dict[str, str | None] = {
    "faa": None,
    "name": None,
    "lat": "location.coordinates",
    "lon": "location.coordinates",
}

DATABASE: dict[str, dict[str, str | None]] = {
    "crm.customers": {**_CUSTOMER, "preferences": None, "tags": None},
    "crm.addresses": {
        "address_id": None,
        "customer_id": None,
        "address_type": None,
        "street": "location.street_address",
        "city": "location.city",
        "postal_code": "location.postal_code",
        "latitude": "location.coordinates",
        "longitude": "location.coordinates",
    },
    "crm.identity_documents": {
        "customer_id": None,
        "ssn": "government.us_ssn",
        "nino": "government.uk_nino",
        "idnr": "government.de_tax_id",
        "nir": "government.fr_nir",
        "nif": "government.es_dni",
        "codice_fiscale": "government.it_codice_fiscale",
        "bsn": "government.nl_bsn",
        "pesel": "government.pl_pesel",
        "checked_on": None,
    },
    "sales.products": {
        "product_code": None,
        "name": None,
        "list_price": None,
        "price_index": None,
        "ip_rating": None,
        "firmware_version": None,
        "gtin": None,
        "model_year": None,
        "released_on": None,
    },
    "sales.orders": _ORDER,
    "sales.order_lines": {"order_number": None, "line_number": None, "product_code": None, "unit_price": None},
    "sales.payments": {
        "payment_id": None,
        "order_number": None,
        "method": None,
        "masked_pan": "payment.card_masked",
        "payer_account": "financial.iban",
        "amount": None,
        "paid_at": None,
    },
    "sales.stored_cards": {
        "card_id": None,
        "customer_id": None,
        "cardholder": "payment.cardholder_name",
        "pan": "payment.card_number",
        "expires": "payment.card_expiry",
        "cvv2": "payment.card_security_code",
        "added_on": None,
    },
    "sales.bank_accounts": {
        "account_id": None,
        "customer_id": None,
        "holder": "person.full_name",
        "iban": "financial.iban",
        "bic": "financial.bic",
        "opened_on": None,
    },
    "support.tickets": {
        "ticket_id": None,
        "opened_at": None,
        "channel": None,
        "requester": "contact.email",
        "subject": None,
        "body": None,
        "satisfaction": None,
    },
    "support.events": {"event_id": None, "ticket_id": None, "occurred_at": None, "kind": None, "note": None},
    "hr.employees": {
        "employee_id": None,
        "full_name": "person.full_name",
        "work_email": "contact.email",
        "home_phone": "contact.phone",
        "ssn": "government.us_ssn",
        "date_of_birth": "person.birth_date",
        "hired_on": None,
        "job_title": None,
        "cost_centre": None,
        "salary": "financial.income",
        "salary_iban": "financial.iban",
        "manager_id": None,
    },
    "hr.sick_leave": {
        "leave_id": None,
        "employee_id": None,
        "days": None,
        "icd10_code": "health.diagnosis_code",
        "diagnosis": "health.diagnosis",
        "certificate_number": None,
    },
    "hr.diversity_survey": {
        "employee_id": None,
        "religion": "person.religion",
        "ethnicity": "person.ethnicity",
        "union_member": "person.trade_union",
        "union_name": "person.trade_union",
        "nationality": "person.nationality",
        "answered_on": None,
    },
    "ops.web_log": {**_WEB_LOG, "peer": "network.ip_address", "duration": None},
    "ops.devices": {
        "device_id": None,
        "mac": "network.mac_address",
        "bridge": "network.mac_address",
        "firmware": None,
        "rack_position": None,
    },
    "ops.api_credentials": {
        "credential_id": None,
        "owner_email": "contact.email",
        "access_key_id": "credential.aws_access_key",
        "secret_access_key": "credential.api_key",
        "bearer_token": "credential.jwt",
        "personal_token": "credential.api_key",
        "password_hash": "credential.password_hash",
        "rotated_on": None,
    },
    "ops.webhooks": {"webhook_id": None, "received_at": None, "payload": None, "signature": None},
    "ops.releases": {
        "build_id": None,
        "version": None,
        "academic_year_code": None,
        "artifact_sha256": None,
        "commit": None,
        "ticket_reference": None,
        "stage": None,
        "supported": None,
    },
    "ops.import_staging": {"row_number": None, "email": None, "ssn": None},
    "flights.airlines": {"carrier": None, "name": None},
    "flights.airports": _AIRPORTS,
    "flights.planes": {"tailnum": None, "year": None, "model": None},
    "flights.weather": {"origin": None, "temp": None, "time_hour": None},
    "flights.flights": {"flight_id": None, "tailnum": None, "flight": None, "time_hour": None, "distance": None},
}

FILES: dict[str, dict[str, str | None]] = {
    **{f"exports/customers/part-{n}.parquet": _CUSTOMER for n in range(3)},
    "exports/orders.parquet": _ORDER,
    "exports/payments.csv": {
        "payment_id": None,
        "order_number": None,
        "card_number": "payment.card_number",
        "payer_iban": "financial.iban",
        "amount": None,
        "paid_at": None,
    },
    "exports/2026/q1/tickets.jsonl": {"ticket_id": None, "opened_at": None},
    "hr/employees_2026-03.csv": {
        "Employee No": None,
        "Name": "person.full_name",
        "SSN": "government.us_ssn",
        "Birth Date": "person.birth_date",
        "Hire Date": None,
        "Annual Salary": "financial.income",
        "E-mail": "contact.email",
    },
    "marketing/leads.csv": {
        "Lead": "person.full_name",
        "Contact": "contact.email",
        "Tel": "contact.phone",
        "Source": None,
        "Score": None,
    },
    "marketing/campaigns/spring/leads.jsonl": {"lead": None, "opened_mail": None, "at": None},
    **{f"logs/web/2026-03-{day}.jsonl": _WEB_LOG for day in (28, 29, 30)},
    "logs/app/2026-03-30.jsonl": {"at": None, "level": None, "logger": None, "message": None, "trace": None},
    "telemetry/readings.parquet": {"sensor": None, "at": None, "temperature": None, "serial": None, "raw": None},
    "reference/airports.csv": _AIRPORTS,
    "flights/flights.parquet": {"flight_id": None, "tailnum": None, "flight": None, "time_hour": None},
}

EXPECTED: dict[str, dict[str, str | None]] = {**DATABASE, **FILES}
"""Asset path (schema.table, or the file's path under its folder) to column to class."""

MENTIONS: dict[str, dict[str, frozenset[str]]] = {
    "support.tickets": {"body": frozenset({"contact.phone", "contact.email", "payment.card_number"})},
    "support.events": {"note": frozenset({"government.us_ssn"})},
    "ops.webhooks": {"payload": frozenset({"contact.email"})},
    "exports/2026/q1/tickets.jsonl": {
        "from": frozenset({"contact.email"}),
        "message": frozenset({"contact.phone", "contact.email", "payment.card_number"}),
    },
    "marketing/campaigns/spring/leads.jsonl": {"person": frozenset({"contact.email", "contact.phone"})},
    "logs/app/2026-03-30.jsonl": {"message": frozenset({"contact.email", "payment.card_number"})},
}
"""Classes that a scan has to find inside the text (or JSON) of a column, in some of its rows or in all."""

LINEAGE: dict[str, frozenset[str]] = {
    "crm.v_customer_contact": frozenset({"crm.customers", "crm.addresses"}),
    "sales.v_order_value": frozenset({"sales.orders", "sales.order_lines"}),
    "sales.v_revenue_by_country": frozenset({"sales.v_order_value", "crm.v_customer_contact"}),
    "sales.v_best_customers": frozenset({"sales.v_order_value", "crm.v_customer_contact"}),
    "sales.v_card_masked": frozenset({"sales.stored_cards"}),
    "support.v_ticket_public": frozenset({"support.tickets"}),
    "hr.v_headcount": frozenset({"hr.employees"}),
    "flights.v_delay_by_airline": frozenset({"flights.flights", "flights.airlines"}),
    "sales.mv_daily_revenue": frozenset({"sales.v_order_value"}),
}
"""Each view and the tables and views it reads directly."""
