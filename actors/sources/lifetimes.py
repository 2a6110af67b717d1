"""How a credential stands by when it was said to expire. Pure functions."""

from datetime import datetime, timedelta
from typing import Literal

from cluster.security.credentials import CredentialView

NOTICE = timedelta(days=7)
SHARE = 5
"""Told of `NOTICE` before; of one that lives shorter, in the last fifth of its life."""
EXPIRED = "expired-token"

State = Literal["valid", "expiring", "expired"]


def state_of(credential: CredentialView, now: datetime) -> State:
    """How a credential stands; one without an end is valid."""
    if credential.expires_at is None:
        return "valid"
    if credential.expires_at <= now:
        return "expired"
    notice = min(NOTICE, (credential.expires_at - credential.set_at) / SHARE)
    return "expiring" if credential.expires_at - now <= notice else "valid"
