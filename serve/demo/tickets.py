"""Schema `support`: tickets, whose text mostly holds nothing, and the event table with one number to find.

In `tickets.body` about 2 % of the rows carry a telephone number, 2 % an e-mail address and 0.5 % a card number.
`events.note` holds no personal data at all but one social security number in one row of the whole table, among
part numbers that have the layout of one and are none.
"""

import numpy as np
import polars as pl

from serve.demo.customers import customers
from serve.demo.identifiers import card_numbers, part_number
from serve.demo.planted import value
from serve.demo.population import times
from serve.demo.shape import Shape, Table, put

_SUBJECTS = (
    "Parcel has not arrived", "Wrong colour delivered", "Invoice question", "Cannot sign in", "Refund still open",
    "Lieferung beschädigt", "Facture introuvable", "Change of delivery day", "Discount code rejected", "Warranty claim",
)  # fmt: skip
_OPENINGS = (
    "Hello, I ordered two weeks ago and the parcel is still on its way.",
    "The box was open when it came and one part is missing.",
    "Guten Tag, die Lampe flackert seit gestern.",
    "Bonjour, la couleur ne correspond pas à la photo du site.",
    "I was charged twice for the same order, please check.",
    "Your app closes as soon as I open the basket.",
    "Great product, but the manual is for model 2019-20 and mine is newer.",
    "I returned the chair on 2026-02-14 and have heard nothing since.",
    "The courier left a note at 10:45 and never came back.",
    "Please cancel, delivery took longer than the promised 3 to 5 days.",
)
_CLOSINGS = (
    "Thanks.",
    "Please hurry.",
    "Mit freundlichen Grüßen",
    "Merci d'avance.",
    "Looking forward to your answer.",
    "",
)
_ACTIONS = (
    "status set to waiting", "status set to solved", "reply sent from template 14", "customer answered",
    "priority raised to 2", "assigned to second level", "warehouse asked for a photo", "refund of 24.90 approved",
    "replacement ordered", "label printed", "survey sent", "merged with an older case", "courier traced the parcel",
)  # fmt: skip
_REASONS = (
    "after the nightly check", "as agreed by chat", "because the parcel was late", "on request of the shop floor",
    "since the first answer bounced", "under release 4.18.2", "per policy 7.3", "during the 2025-11 campaign",
)  # fmt: skip


def tickets(shape: Shape) -> pl.DataFrame:
    """Rows of support.tickets. Rows 5, 17 and 29 are planted."""
    rng, count, base = shape.rng("tickets"), shape.tickets, customers(shape)
    owner = rng.integers(0, len(base), count)
    phone = base["phone"].fill_null("").gather(rng.integers(0, len(base), count))
    email = base["email"].gather(rng.integers(0, len(base), count))
    card = card_numbers(rng, count)
    draw = pl.Series(rng.random(count))
    aside = (
        pl.when((draw < 0.02) & (phone != "")).then("Call me at " + phone + " after six.")
        .when(draw.is_between(0.02, 0.04)).then("Write to " + email + " instead.")
        .when(draw.is_between(0.04, 0.045)).then("I paid with " + card + " in the shop.")
        .otherwise(pl.lit(""))
    )  # fmt: skip
    body = pl.concat_str(_pick(rng, _OPENINGS, count), aside, _pick(rng, _CLOSINGS, count), separator=" ")
    frame = pl.DataFrame(
        {
            "ticket_id": range(1, count + 1),
            "customer_id": base["customer_id"].gather(owner),
            "opened_at": times(rng, count, 700),
            "channel": _pick(rng, ("mail", "chat", "web", "telephone"), count),
            "requester": base["email"].gather(owner),
            "subject": _pick(rng, _SUBJECTS, count),
            "body": pl.select(body.str.replace("  ", " ", literal=True).str.strip_chars()).to_series(),
            "satisfaction": rng.integers(1, 6, count),
        }
    )
    frame = put(frame, 5, body=f"I was cut off, my number is {value('ticket_phone')} or at work.")
    frame = put(frame, 17, body=f"My new address is {value('ticket_email')}, the old one is closed.")
    return put(frame, 29, body=f"Is the card {value('card_grouped')} still on file with you?")


def events(shape: Shape) -> pl.DataFrame:
    """Rows of support.events: `shape.rows` of them, with the needle at two fifths of the table."""
    rng, count = shape.rng("events"), shape.rows
    draw = rng.random(count)
    parts = pl.Series(part_number(rng, 2_000)).gather(rng.integers(0, 2_000, count))
    tail = (
        pl.when(pl.Series(draw < 0.001)).then(", part " + parts)
        .when(pl.Series(draw < 0.3)).then(", step " + pl.Series(rng.integers(1, 99_999, count)).cast(pl.String))
        .otherwise(pl.lit(""))
    )  # fmt: skip
    note = pl.concat_str(_pick(rng, _ACTIONS, count), _pick(rng, _REASONS, count), separator=" ") + tail
    frame = pl.DataFrame(
        {
            "event_id": np.arange(1, count + 1),
            "ticket_id": rng.integers(1, shape.tickets + 1, count),
            "occurred_at": times(rng, count, 700),
            "kind": _pick(rng, ("status", "reply", "note", "system"), count),
        }
    ).with_columns(note.alias("note"))
    return put(frame, count * 2 // 5, note=f"identity confirmed by telephone with {value('needle')} on file")


def _pick(rng: np.random.Generator, pool: tuple[str, ...], count: int) -> pl.Series:
    return pl.Series(pool, dtype=pl.String).gather(rng.integers(0, len(pool), count))


TABLES = (
    Table(
        "support.tickets",
        """ticket_id bigint NOT NULL, customer_id bigint NOT NULL, opened_at timestamptz NOT NULL, channel text,
        requester text, subject text, body text, satisfaction smallint""",
        tickets,
        """ALTER TABLE support.tickets ADD PRIMARY KEY (ticket_id);
        ALTER TABLE support.tickets ADD FOREIGN KEY (customer_id) REFERENCES crm.customers;
        COMMENT ON COLUMN support.tickets.requester IS 'Address the ticket came from.'""",
    ),
    Table(
        "support.events",
        """event_id bigint NOT NULL, ticket_id bigint NOT NULL, occurred_at timestamptz NOT NULL, kind text NOT NULL,
        note text""",
        events,
        """ALTER TABLE support.events ADD PRIMARY KEY (event_id);
        ALTER TABLE support.events ADD FOREIGN KEY (ticket_id) REFERENCES support.tickets""",
    ),
)
