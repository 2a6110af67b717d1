"""A project of Google Cloud by its buckets, through the JSON API of Cloud Storage."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.util import find_spec
from typing import Any, TypeVar

from cluster.clouds.interface import AccountAccess, AccountListing, Resource
from cluster.connectors.interface import Problem
from cluster.errors import (
    ConfigurationError,
    InvalidInput,
    SourceAuthFailed,
    SourceDenied,
    SourceError,
    SourceUnreachable,
)

T = TypeVar("T")
PROJECT = re.compile(r"(?:[a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
"""What a project may be called (Resource Manager's ids, with the domain that old ones have in front)."""
SECONDS = 60.0
"""How long throttling is waited out."""
TIMEOUTS = (10, 60)
_EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
_TOKENS = "https://oauth2.googleapis.com/token"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"


def list_gcp(access: AccountAccess, credential: Mapping[str, str]) -> AccountListing:
    """All buckets, page by page; the client waits out throttling by itself. Raises SourceError, ConfigurationError.

    Storage is always encrypted at Google; of another endpoint that is not known. Each bucket is asked who may read it;
    where that is refused it is a problem, and not known.
    """
    project, endpoint = access.options["project"], access.options.get("endpoint")
    problems: list[Problem] = []
    found: list[Resource] = []
    with _guarded(f"the buckets of {project}"), closing(_client(project, endpoint, credential)) as client:
        for bucket in client.list_buckets(retry=_retry(), timeout=TIMEOUTS):
            prevention = bucket.iam_configuration.public_access_prevention
            found.append(
                Resource(
                    native_id=f"gs://{bucket.name}", kind="bucket", name=bucket.name, engine="gcs",
                    region=bucket.location and bucket.location.lower(), url=f"gs://{bucket.name}/",
                    encrypted_at_rest=None if endpoint else True, kms_key=bucket.default_kms_key_name,
                    public_access=False if prevention == "enforced" else _public(bucket, problems),
                    tags=dict(bucket.labels or {}),
                    extra={"storage_class": bucket.storage_class, "location_type": bucket.location_type},
                )
            )  # fmt: skip
    return AccountListing(resources=tuple(found), complete=True, problems=tuple(problems))


def _public(bucket: Any, problems: list[Problem]) -> bool | None:
    """Whether its policy lets everybody in; access lists of the bucket are told in it too, as roles of old."""
    try:
        policy = _calling(
            f"the policy of {bucket.name}",
            lambda: bucket.get_iam_policy(requested_policy_version=3, retry=_retry(), timeout=TIMEOUTS),
        )
    except SourceError as error:
        problems.append(Problem(path=bucket.name, code=error.code, detail=error.detail, remedy=error.remedy))
        return None
    return any(_EVERYBODY & set(binding.get("members", ())) for binding in policy.bindings)


def _client(project: str, endpoint: str | None, credential: Mapping[str, str]) -> Any:
    if find_spec("google") is None or find_spec("google.cloud") is None or find_spec("google.cloud.storage") is None:
        raise ConfigurationError(
            "Google's client is not installed.", "Install it on every node: pip install 'sextant[gcp]'."
        )
    import requests
    from google.api_core.client_options import ClientOptions
    from google.auth.transport.requests import AuthorizedSession, Request
    from google.cloud import storage

    from cluster.security.egress import egress

    known = _credentials(credential)
    beside = requests.Session()  # by which tokens are asked for
    session = AuthorizedSession(known, auth_request=Request(beside))
    for one in (beside, session):
        one.trust_env, one.proxies = False, {"http": egress().url, "https": egress().url}
    options = ClientOptions(api_endpoint=endpoint) if endpoint else None
    return storage.Client(project=project, credentials=known, _http=session, client_options=options)


def _credentials(credential: Mapping[str, str]) -> Any:
    from google.oauth2.credentials import Credentials
    from google.oauth2.service_account import Credentials as ServiceAccount

    if credential.get("service_account_key"):
        try:
            told = json.loads(credential["service_account_key"])
            # A key says itself where its tokens are given: it must not lead anywhere else.
            return ServiceAccount.from_service_account_info(told | {"token_uri": _TOKENS}, scopes=[_SCOPE])
        except (ValueError, TypeError, AttributeError):
            raise InvalidInput("service_account_key is no key of a service account.", "Give its JSON file.") from None
    if not credential.get("token"):
        raise SourceAuthFailed("The account has no credential.", "Give service_account_key or token.")
    return Credentials(credential["token"])


def _retry() -> Any:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(SECONDS)


def _calling(what: str, call: Callable[[], T]) -> T:
    with _guarded(what):
        return call()


@contextmanager
def _guarded(what: str) -> Iterator[None]:
    """Turns what the client raises into a SourceError, without what the service answered."""
    try:
        yield
    except (SourceError, ConfigurationError, InvalidInput):
        raise
    except Exception as error:  # the client's own tree can only be named where it is installed
        status, name = getattr(error, "code", None), type(error).__name__
        if status == 401 or name in ("RefreshError", "DefaultCredentialsError"):
            raised: Exception = SourceAuthFailed(
                f"Google refused the credential for {what}.", "Check the key of the service account, or the token."
            )
        elif status == 403:
            raised = SourceDenied(
                f"Google does not tell {what}.", "Grant storage.buckets.list and storage.buckets.getIamPolicy."
            )
        else:
            raised = SourceUnreachable(
                f"Google did not answer for {what}.", "Check the project, the endpoint and the network."
            )
    else:
        return
    raise raised from None
