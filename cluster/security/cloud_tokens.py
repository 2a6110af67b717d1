"""Sextant's own tokens for Azure and Google, from what their SDKs take them from, in the protocols that those speak.

Azure: a client secret or a federated token (OAuth 2.0 client credentials, RFC 6749 section 4.4; RFC 7523), else the
managed identity of the machine. Google: a service account's key (RFC 7523 with RS256), else the metadata server.
"""

import base64
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from cluster.errors import SecretUnavailable

SECONDS = 10.0
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_kept: dict[str, tuple[float, str]] = {}


def azure_token(scope: str) -> str:
    """A bearer token for a scope such as https://vault.azure.net/.default. Raises SecretUnavailable."""
    return _fresh(f"azure {scope}", lambda: _azure(scope))


def google_token() -> str:
    """A bearer token for Google Cloud. Raises SecretUnavailable."""
    return _fresh("google", _google)


def _fresh(name: str, ask: Any) -> str:
    until, token = _kept.get(name, (0.0, ""))
    if until < time.monotonic():
        found = ask()
        token = str(found.get("access_token", ""))
        if not token:
            raise SecretUnavailable("No token for the store of secrets was given.", "Check Sextant's own identity.")
        _kept[name] = (time.monotonic() + min(float(found.get("expires_in", 300)), 3600.0) - 60.0, token)
    return token


def _azure(scope: str) -> Mapping[str, Any]:
    given = os.environ
    tenant, client = given.get("AZURE_TENANT_ID"), given.get("AZURE_CLIENT_ID")
    body = {"grant_type": "client_credentials", "client_id": client or "", "scope": scope}
    if given.get("AZURE_CLIENT_SECRET"):
        body["client_secret"] = given["AZURE_CLIENT_SECRET"]
    elif given.get("AZURE_FEDERATED_TOKEN_FILE"):
        body["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        body["client_assertion"] = Path(given["AZURE_FEDERATED_TOKEN_FILE"]).read_text("ascii").strip()
    else:
        resource = scope.removesuffix("/.default")
        address = given.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://169.254.169.254")
        query = {"api-version": "2018-02-01", "resource": resource} | ({"client_id": client} if client else {})
        return _told("GET", f"{address}/metadata/identity/oauth2/token", params=query, headers={"Metadata": "true"})
    authority = given.get("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com").rstrip("/")
    return _told("POST", f"{authority}/{tenant}/oauth2/v2.0/token", data=body)


def _google() -> Mapping[str, Any]:
    path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if not path:
        host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
        address = f"http://{host}/computeMetadata/v1/instance/service-accounts/default/token"
        return _told("GET", address, headers={"Metadata-Flavor": "Google"})
    try:
        account = json.loads(Path(path).read_text("utf-8"))
        assertion = _signed(account)
        address = str(account["token_uri"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SecretUnavailable(
            "GOOGLE_APPLICATION_CREDENTIALS is no key of a service account.", "Correct it."
        ) from None
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return _told("POST", address, data={"grant_type": grant, "assertion": assertion})


def _signed(account: Mapping[str, Any]) -> str:
    """A JSON web token of the service account (RFC 7515), good for an hour."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    now = int(time.time())
    head = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id")}
    claims = {
        "iss": account["client_email"], "scope": _GOOGLE_SCOPE, "aud": account["token_uri"], "iat": now,
        "exp": now + 3600,
    }  # fmt: skip
    text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
    key = load_pem_private_key(str(account["private_key"]).encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")
    return f"{text}.{_encoded(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _told(method: str, url: str, **more: Any) -> Mapping[str, Any]:
    try:
        response = httpx.request(method, url, timeout=SECONDS, follow_redirects=False, **more)
        found = response.json() if response.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        found = None
    if not isinstance(found, dict):
        raise SecretUnavailable("Sextant got no token for the store of secrets.", "Check its identity in that cloud.")
    return found
