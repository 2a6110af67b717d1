"""The object stores: S3 and what speaks its protocol, Azure Blob with ADLS Gen2, and Google Cloud Storage.

What differs between them is how they are opened, and what their errors are called; a bucket stands here for Azure's
containers too. ADLS Gen2 is read by the Blob service of the same account, which has every file of it.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from obstore import exceptions
from obstore.store import AzureStore, GCSStore, S3Store

from cluster.connectors.interface import SourceAccess
from cluster.connectors.options import flag
from cluster.errors import (
    AddressRefused,
    SourceAuthFailed,
    SourceDenied,
    SourceError,
    SourceObjectGone,
    SourceUnreachable,
)
from cluster.security.egress import egress

_RETRY = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
_Config = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A bucket and the prefix in it, and how its store is opened.

    `chosen` says that whoever registered the source chose the host: it is reached by `cluster.security.egress` alone.
    """

    storage: str
    bucket: str
    prefix: str
    endpoint: str | None
    allow_http: bool
    config: _Config
    secrets: _Config
    make: Callable[..., Any]
    chosen: bool = False

    @property
    def tls(self) -> bool:
        return not (self.endpoint or "https://").startswith("http://")

    def opened(self, *, anonymous: bool) -> Any:
        """The store. Raises what obstore raises."""
        client: _Config = {
            "connect_timeout": timedelta(seconds=10),
            "timeout": timedelta(seconds=120),
            "allow_http": self.allow_http or not self.tls,
        }
        if self.chosen:
            client["proxy_url"] = egress().url
        given = {**self.config, **({"skip_signature": True} if anonymous else self.secrets)}
        kept = {name: value for name, value in given.items() if value is not None}
        return self.make(self.bucket, client_options=client, retry_config=_RETRY, **kept)


def place_of(access: SourceAccess, credential: Mapping[str, str]) -> Place:
    """The place that a source's URL names. What the credential lacks is the environment's or the machine's role's."""
    parts = urlsplit(access.url)
    make = {"s3": _s3, "abfss": _azure, "gs": _gcs}[parts.scheme]
    place: Place = make(access, credential, unquote(parts.path).strip("/"))
    return place


def _s3(access: SourceAccess, credential: Mapping[str, str], prefix: str) -> Place:
    region = access.options.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    endpoint = access.options.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL")
    secrets = {
        "access_key_id": credential.get("access_key_id") or credential.get("username"),
        "secret_access_key": credential.get("secret_access_key") or credential.get("password"),
        "session_token": credential.get("session_token"),
    }
    config, chosen = {"endpoint": endpoint, "region": region or "us-east-1"}, "endpoint" in access.options
    return Place("s3", urlsplit(access.url).netloc, prefix, endpoint, _http(access), config, secrets, S3Store, chosen)


def _azure(access: SourceAccess, credential: Mapping[str, str], prefix: str) -> Place:
    container, _, host = urlsplit(access.url).netloc.partition("@")
    account = host.partition(".")[0]
    endpoint = access.options.get("endpoint")
    if endpoint is None and not host.endswith(".dfs.core.windows.net"):  # a cloud of its own, such as China's
        endpoint = f"https://{host.replace('.dfs.', '.blob.')}"
    names = ("account_key", "client_id", "client_secret", "tenant_id")
    secrets = {name: credential.get(name) for name in names}
    secrets["account_key"] = secrets["account_key"] or credential.get("password")
    secrets["sas_key"] = credential.get("sas_token")
    config, chosen = {"account_name": account, "endpoint": endpoint}, endpoint is not None
    return Place("azure", container, prefix, endpoint, _http(access), config, secrets, AzureStore, chosen)


def _gcs(access: SourceAccess, credential: Mapping[str, str], prefix: str) -> Place:
    endpoint = access.options.get("endpoint")
    secrets = {"service_account_key": credential.get("service_account_key"), "bearer_token": credential.get("token")}
    config, chosen = {"base_url": endpoint}, endpoint is not None
    return Place("gcs", urlsplit(access.url).netloc, prefix, endpoint, _http(access), config, secrets, GCSStore, chosen)


def _http(access: SourceAccess) -> bool:
    return bool(flag(access.options, "allow_http"))


_STATUS, _CODE = re.compile(r"status code: (\d{3})"), re.compile(r"<Code>\s*([A-Za-z0-9.]+)\s*</Code>")
_SLOWER = {"slowdown", "serverbusy", "operationtimedout", "requestlimitexceeded", "toomanyrequests", "429"}
_EXPIRED = {"expiredtoken", "tokenrefreshrequired", "expiredauthenticationtoken"}
_REFUSED = {
    "invalidaccesskeyid", "signaturedoesnotmatch", "invalidtoken", "authfailure", "authenticationfailed",
    "invalidauthenticationinfo", "noauthenticationinformation", "401",
}  # fmt: skip
_DENIED = {"accessdenied", "authorizationfailure", "authorizationpermissionmismatch", "insufficientaccountpermissions"}
_ELSEWHERE = {"permanentredirect", "authorizationheadermalformed", "illegallocationconstraintexception", "301", "307"}
_NO_BUCKET = {"nosuchbucket", "containernotfound"}
_SIGNING = (
    "invalid access key",
    "failed to authenticate",
    "invalid_grant",
    "invalid_client",
)  # before a request, or in it
_ROLES = ("performing put http://169.254.", "performing get http://169.254.", "http://metadata.google.internal/")
_NAMES = {
    "s3": ("the access key and its secret", "Grant s3:ListBucket on the bucket and s3:GetObject on its keys."),
    "azure": ("the account key, token or service principal", "Grant the role Storage Blob Data Reader."),
    "gcs": ("the service account's key", "Grant the role Storage Object Viewer on the bucket."),
}


def throttled(error: Exception) -> bool:
    """Whether a store asked to be asked less often: HTTP 429, S3's SlowDown, Azure's ServerBusy."""
    return bool(_codes(error) & _SLOWER)


def _codes(error: Exception) -> set[str]:
    """What the store called its error, and the status of its answer: of these alone, as a name may hold any word."""
    text = str(error)
    return {code.lower() for code in _CODE.findall(text)} | set(_STATUS.findall(text))


def fault(error: Exception, what: str, storage: str) -> SourceError:
    """The error of the tree for one of obstore, which says nothing of what the store answered."""
    text = str(error).lower()
    credential, grant = _NAMES[storage]
    codes = _codes(error)
    for known, words, entry in _TOLD:
        if codes & known or any(word in text for word in words):
            cls, detail, remedy, diagnosis = entry
            told = {"diagnosis": diagnosis} if diagnosis else None
            return cls(detail.format(what=what), remedy.format(credential=credential, grant=grant), told)
    for kinds, cls, detail, remedy in _BY_KIND:
        if isinstance(error, kinds):
            return cls(detail.format(what=what), remedy.format(credential=credential, grant=grant))
    if "credential" in text:
        return SourceAuthFailed("No credential for the store was found.", "Give one, or set the option anonymous=true.")
    return SourceUnreachable(
        f"The store did not answer for {what}.", "Check endpoint, region, network; allow_http for http."
    )


_Entry = tuple[type[SourceError], str, str, str]
_TOLD: tuple[tuple[set[str], tuple[str, ...], _Entry], ...] = (
    (set(), _ROLES, (SourceAuthFailed, "There is no credential for {what}, and this machine has no role in the cloud.",
     "Give {credential}; where anybody may read, set the option anonymous=true.", "")),
    (_SLOWER, (), (SourceUnreachable, "The store put off every request for {what}.",
     "Set a budget, or try again later.", "throttled")),
    (_EXPIRED, (), (SourceAuthFailed, "The session token has expired for {what}.",
     "Give a new one, or keys that do not expire.", "expired-token")),
    ({"requesttimetooskewed"}, (), (SourceAuthFailed, "The clock of this node is wrong for {what}.",
     "Set the clock by NTP.", "clock-skew")),
    (_REFUSED, _SIGNING, (SourceAuthFailed, "The store refused the credential for {what}.", "Check {credential}.", "")),
    (_ELSEWHERE, ("received redirect without",), (SourceUnreachable, "Another region answers for {what}.",
     "Set the option region to where the bucket is.", "wrong-region")),
    (_NO_BUCKET, (), (SourceObjectGone, "The store has no such bucket.",
     "Check the bucket, the endpoint and the region.", "")),
    (_DENIED, (), (SourceDenied, "{what} may not be read.", "{grant}", "")),
    (set(), ("dns error", "failed to lookup address"), (SourceUnreachable,
     "A host name could not be resolved for {what}.", "Check the endpoint, and the DNS of this node.", "dns-failure")),
    (set(), ("certificate", "invalid peer"), (SourceUnreachable, "The TLS certificate is not accepted for {what}.",
     "Check the endpoint and its certificate.", "tls-refused")),
    (set(), ("redirected",), (SourceUnreachable, "The store sends its visitors to another host for {what}.",
     "Set the option endpoint to that host.", "redirected")),
    (set(), ("address-refused",), (AddressRefused, "The store leads to an address that is not allowed for {what}.",
     "Use another endpoint.", "address-refused")),
)  # fmt: skip
"""By the codes that a store answered, or by words of the client's own; what the latter are is looked for last."""
_BY_KIND: tuple[tuple[tuple[type[Exception], ...], type[SourceError], str, str], ...] = (
    ((exceptions.UnauthenticatedError,), SourceAuthFailed, "The store refused the credential for {what}.",
     "Check {credential}."),
    ((exceptions.PermissionDeniedError, PermissionError), SourceDenied, "{what} may not be read.", "{grant}"),
    ((exceptions.NotFoundError, FileNotFoundError), SourceObjectGone, "{what} is not there.",
     "Check the URL, or discover the source again."),
    ((exceptions.PreconditionError,), SourceObjectGone, "{what} was replaced while it was read.",
     "Scan the source again."),
)  # fmt: skip
