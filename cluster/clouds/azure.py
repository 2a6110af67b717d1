"""A storage account of Azure by its containers, through the data plane: what its key or a SAS token may list."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from cluster.clouds.interface import AccountAccess, AccountListing, Resource
from cluster.errors import ConfigurationError, SourceAuthFailed, SourceDenied, SourceUnreachable

RETRIES = 4
"""After one second, then after two, four and eight more: throttling is waited out."""
ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
"""What a storage account may be called (Azure's naming rules)."""


def list_azure(access: AccountAccess, credential: Mapping[str, str]) -> AccountListing:
    """All containers, page by page; the client waits out throttling by itself. Raises SourceError, ConfigurationError.

    Storage is always encrypted in Azure; of another endpoint that is not known. Region and tags of the account are told
    by the control plane alone, and are left open.
    """
    account, endpoint = access.options["account"], access.options.get("endpoint")
    with _guarded(account), _client(account, endpoint, credential) as client:
        found = tuple(
            Resource(
                native_id=f"azure://{account}/{one.name}", kind="bucket", name=one.name, engine="azure",
                url=f"abfss://{one.name}@{account}.dfs.core.windows.net/",
                encrypted_at_rest=None if endpoint else True, public_access=one.public_access is not None,
                tags=dict(one.metadata or {}), extra={"public_level": one.public_access or "none"},
            )
            for one in client.list_containers(include_metadata=True)
        )  # fmt: skip
    return AccountListing(resources=found, complete=True)


def _client(account: str, endpoint: str | None, credential: Mapping[str, str]) -> Any:
    if find_spec("azure") is None or find_spec("azure.storage") is None:
        raise ConfigurationError(
            "Azure's client is not installed.", "Install it on every node: pip install 'sextant[azure]'."
        )
    from azure.storage.blob import BlobServiceClient, ExponentialRetry

    from cluster.security.egress import egress

    key = credential.get("account_key") or credential.get("password")
    if not key and not credential.get("sas_token"):
        raise SourceAuthFailed("The account has no credential.", "Give account_key or sas_token.")
    signed: Any = {"account_name": account, "account_key": key} if key else credential["sas_token"].lstrip("?")
    return BlobServiceClient(
        endpoint or f"https://{account}.blob.core.windows.net", credential=signed,
        retry_policy=ExponentialRetry(1, 2, RETRIES, random_jitter_range=1),
        proxies={"http": egress().url, "https": egress().url}, connection_timeout=10, read_timeout=60,
    )  # fmt: skip


@contextmanager
def _guarded(account: str) -> Iterator[None]:
    """Turns what the client raises into a SourceError, without what the service answered."""
    try:
        yield
    except (SourceAuthFailed, ConfigurationError):
        raise
    except Exception as error:  # the client's own tree can only be named where it is installed
        status = getattr(error, "status_code", None)
        if status == 401 or "failed to authenticate" in str(error).lower():  # by its words, as its codes differ
            raised: Exception = SourceAuthFailed(
                f"The storage account {account} refused the credential.", "Check the account key or the token."
            )
        elif status == 403:
            raised = SourceDenied(
                f"The containers of {account} may not be listed.", "Grant the role Storage Blob Data Reader."
            )
        else:
            raised = SourceUnreachable(
                f"The storage account {account} did not answer.", "Check its name, the endpoint and the network."
            )
    else:
        return
    raise raised from None
