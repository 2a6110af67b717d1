"""Schema `ops`: web log, devices, API credentials, webhooks, releases and an empty staging table.

The credentials have the form of real ones and open nothing. `ops.releases` is all hard negatives: four-part versions
that look like IPv4, school years that look like dates, digests and UUIDs. Types few tools expect are here too:
inet, macaddr, jsonb, bytea, ranges, an enum, an interval and a point.
"""

import hashlib
import json
import uuid

import numpy as np
import polars as pl

from serve.demo import identifiers
from serve.demo.planted import value
from serve.demo.population import dates, people, times
from serve.demo.shape import Shape, Table, put

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/124.0.6367.91 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "curl/8.5.0",
)
_PAGES = ("/", "/basket", "/search?q=lamp", "/product/desk-140", "/login", "/help/returns", "/api/v2/stock?sku=881")


def web_log(shape: Shape) -> pl.DataFrame:
    """Rows of ops.web_log. Row 19 is planted."""
    rng, count = shape.rng("web_log"), shape.requests
    octets = rng.integers([11, 0, 0, 1], [223, 256, 256, 255], (count, 4))
    groups = rng.integers(0, 65_536, (count, 4)).tolist()
    v4 = pl.DataFrame(octets, schema=["a", "b", "c", "d"]).select(pl.concat_str(pl.all(), separator=".")).to_series()
    v6 = pl.Series([f"2001:db8:{a:x}:{b:x}::{c:x}:{d:x}" for a, b, c, d in groups])
    proxied = pl.Series(rng.random(count) < 0.3)
    frame = pl.DataFrame(
        {
            "request_id": np.arange(1, count + 1),
            "at": times(rng, count, 90),
            "client_ip": v4,
            "forwarded_for": v6,
            "peer": v4,
            "user_agent": pl.Series(_AGENTS).gather(rng.integers(0, len(_AGENTS), count)),
            "url": "https://shop.example.com" + pl.Series(_PAGES).gather(rng.integers(0, len(_PAGES), count)),
            "status": pl.Series((200, 200, 200, 304, 404, 500)).gather(rng.integers(0, 6, count)),
            "bytes": rng.integers(200, 900_000, count),
            "duration": pl.Series(rng.integers(2, 900, count)).cast(pl.String) + " milliseconds",
        }
    ).with_columns(pl.when(proxied).then(pl.col("forwarded_for")).otherwise(None).alias("forwarded_for"))
    return put(frame, 19, client_ip=value("client_ip"), forwarded_for=value("client_ipv6"))


def devices(shape: Shape) -> pl.DataFrame:
    """Rows of ops.devices. Row 9 is planted."""
    rng, count = shape.rng("devices"), shape.small
    macs = [rng.bytes(5).hex(":") for _ in range(count)]
    frame = pl.DataFrame(
        {
            "device_id": range(1, count + 1),
            "hostname": [f"till-{n:04d}.shop.example.net" for n in range(count)],
            "mac": [f"00:{m}" for m in macs],
            "bridge": [f"02:{m}" for m in macs],
            "firmware": [f"{a}.{b}.{c}" for a, b, c in rng.integers(0, 30, (count, 3)).tolist()],
            "rack_position": [f"({x},{y})" for x, y in rng.integers(0, 40, (count, 2)).tolist()],
        }
    )
    return put(frame, 9, mac=value("mac"))


def api_credentials(shape: Shape) -> pl.DataFrame:
    """Rows of ops.api_credentials. Row 3 is planted."""
    rng, count = shape.rng("api_credentials"), shape.small
    owners = people(rng, shape.seed, count)["email"]
    frame = pl.DataFrame(
        {
            "credential_id": range(1, count + 1),
            "owner_email": owners,
            "access_key_id": [identifiers.access_key(rng) for _ in range(count)],
            "secret_access_key": [identifiers.secret_key(rng) for _ in range(count)],
            "bearer_token": [identifiers.web_token(rng, f"svc-{n}") for n in range(count)],
            "personal_token": ["ghp_" + identifiers.letters(rng, _ALNUM, 36) for _ in range(count)],
            "password_hash": [identifiers.bcrypt_hash(rng) for _ in range(count)],
            "rotated_on": dates(rng, count, 1, 900),
        }
    )
    return put(frame, 3, access_key_id=value("access_key"), personal_token=value("git_token"))


_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def webhooks(shape: Shape) -> pl.DataFrame:
    """Rows of ops.webhooks: every tenth payload names a customer by e-mail address. Row 20 is planted."""
    rng, count = shape.rng("webhooks"), shape.small * 2
    emails = people(rng, shape.seed, count)["email"].to_list()
    amounts = rng.integers(5, 900, count).tolist()
    payloads = []
    for row, (email, amount) in enumerate(zip(emails, amounts, strict=True)):
        body: dict[str, object] = {"event": "order.paid", "amount": amount, "lines": [{"sku": f"A-{amount}", "n": 1}]}
        if row % 10 == 0:
            body["customer"] = {"email": value("webhook_email") if row == 20 else email}
        payloads.append(json.dumps(body))
    return pl.DataFrame(
        {
            "webhook_id": [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(count)],
            "received_at": times(rng, count, 60),
            "payload": payloads,
            "signature": ["\\x" + rng.bytes(32).hex() for _ in range(count)],
        }
    )


def releases(shape: Shape) -> pl.DataFrame:
    """Rows of ops.releases: nothing here is personal or secret."""
    rng, count = shape.rng("releases"), shape.small
    years = rng.integers(2012, 2026, count).tolist()
    start = dates(rng, count, 30, 2000)
    digests = [hashlib.sha256(rng.bytes(8)).hexdigest() for _ in range(count)]
    return pl.DataFrame(
        {
            "build_id": [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(count)],
            "version": [
                ".".join(map(str, v)) for v in rng.integers([1, 0, 0, 1], [12, 40, 20, 250], (count, 4)).tolist()
            ],
            "academic_year_code": [f"{y}-{(y + 1) % 100:02d}" for y in years],
            "artifact_sha256": digests,
            "commit": [d[:40] for d in digests],
            "ticket_reference": identifiers.part_number(rng, count),
            "stage": pl.Series(("canary", "beta", "stable")).gather(rng.integers(0, 3, count)),
            "supported": "[" + start.cast(pl.String) + "," + start.dt.offset_by("1y").cast(pl.String) + ")",
        }
    )


def nothing(_shape: Shape) -> pl.DataFrame:
    """No rows: a table whose column names promise what cannot be seen."""
    return pl.DataFrame(schema={"row_number": pl.Int64, "email": pl.String, "ssn": pl.String})


TABLES = (
    Table(
        "ops.web_log",
        """request_id bigint NOT NULL, at timestamptz NOT NULL, client_ip text, forwarded_for text, peer inet,
        user_agent text, url text, status smallint, bytes bigint, duration interval""",
        web_log,
        "ALTER TABLE ops.web_log ADD PRIMARY KEY (request_id)",
    ),
    Table(
        "ops.devices",
        """device_id bigint NOT NULL, hostname text, mac text, bridge macaddr, firmware text, rack_position point""",
        devices,
        "ALTER TABLE ops.devices ADD PRIMARY KEY (device_id)",
    ),
    Table(
        "ops.api_credentials",
        """credential_id bigint NOT NULL, owner_email text, access_key_id text, secret_access_key text,
        bearer_token text, personal_token text, password_hash text, rotated_on date""",
        api_credentials,
        """ALTER TABLE ops.api_credentials ADD PRIMARY KEY (credential_id);
        COMMENT ON TABLE ops.api_credentials IS 'To be moved to the vault.'""",
    ),
    Table(
        "ops.webhooks",
        "webhook_id uuid NOT NULL, received_at timestamptz NOT NULL, payload jsonb NOT NULL, signature bytea",
        webhooks,
        "ALTER TABLE ops.webhooks ADD PRIMARY KEY (webhook_id)",
    ),
    Table(
        "ops.releases",
        """build_id uuid NOT NULL, version text, academic_year_code text, artifact_sha256 text, commit text,
        ticket_reference text, stage ops.stage, supported daterange""",
        releases,
        "ALTER TABLE ops.releases ADD PRIMARY KEY (build_id)",
    ),
    Table("ops.import_staging", "row_number bigint, email text, ssn text", nothing),
)
