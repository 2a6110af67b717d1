"""Delivering an alert: by webhook, to a Slack-compatible address, or by e-mail (SMTP, RFC 5321).

A webhook's signature is that of Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, and `webhook-signature`
"v1," with the base64 of HMAC-SHA-256 over "<id>.<timestamp>.<body>". Nothing is sent to an address that sources may
not lie at (`cluster.security.network`), nor to this machine unless `SEXTANT_ALLOWED_NETWORKS` names it: what listens
there trusts whoever is on it. The connection goes to the very address that was checked; redirects are not followed.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import smtplib
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx

from cluster.errors import AddressRefused, InvalidInput, SextantError
from cluster.security.network import Address, policy
from cluster.security.secrets import unseal

SECONDS: Final = 10.0
TLS: Final = ("starttls", "implicit", "none")


class Channel(NamedTuple):
    """A channel with its secret still sealed."""

    id: str
    kind: str
    target: str
    options: dict[str, Any]
    sealed: str | None


class Undelivered(Exception):
    """Why a message was not delivered, without anything of it; `final` where trying again cannot help."""

    def __init__(self, problem: str, final: bool = False) -> None:
        super().__init__(problem, final)
        self.problem, self.final = problem, final


def check_target(kind: str, target: str, options: dict[str, str], secret: str | None) -> None:
    """Raises InvalidInput for a channel that cannot work, AddressRefused for a host that must not be reached."""
    if kind == "email":
        if not all("@" in parseaddr(each)[1] for each in target.split(",")) or "\n" in target:
            raise InvalidInput("The target holds something that is no e-mail address.", "Give addresses with commas.")
        if not options.get("host") or "@" not in parseaddr(options.get("sender", ""))[1]:
            raise InvalidInput("E-mail needs the options host and sender.", "Give them.")
        if options.get("tls", "starttls") not in TLS or not str(options.get("port", "587")).isdigit():
            raise InvalidInput("The option tls or port is not one that it can be.", f"tls: {', '.join(TLS)}.")
        policy().check_name(options["host"])
        return
    address = secret if kind == "slack" else target
    if address is not None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
            raise InvalidInput("The address is no http or https URL without a user.", "Correct it.")
        policy().check_name(parts.hostname)
        with suppress(ValueError):  # a name is looked up when something is sent
            _foreign(parts.hostname, ipaddress.ip_address(parts.hostname))


def deliver(channel: Channel, body: dict[str, Any]) -> None:
    """Delivers one message. Raises Undelivered."""
    try:
        secret = unseal(channel.sealed, f"channel:{channel.id}").get("secret", "")
        if channel.kind == "email":
            _mail(channel, body, secret)
        elif channel.kind == "slack":
            _post(secret, json.dumps({"text": text_of(body)}).encode(), {})
        else:
            content = json.dumps(body, sort_keys=True).encode()
            _post(channel.target, content, signed(secret, str(body["id"]), int(time.time()), content))
    except AddressRefused as error:
        raise Undelivered(error.detail, final=True) from None
    except SextantError as error:
        raise Undelivered(error.detail) from None
    except smtplib.SMTPResponseException as error:
        raise Undelivered(f"The mail server answered {error.smtp_code}.", final=error.smtp_code >= 550) from None
    except (OSError, httpx.HTTPError, smtplib.SMTPException, ssl.SSLError, ValueError) as error:
        raise Undelivered(f"The channel did not answer ({type(error).__name__}).") from None


def signed(secret: str, identifier: str, at: int, content: bytes) -> dict[str, str]:
    """The headers that prove where a message comes from; without a secret none but its id and time."""
    told = {"webhook-id": identifier, "webhook-timestamp": str(at)}
    if secret:
        mac = hmac.digest(secret.encode(), f"{identifier}.{at}.".encode() + content, hashlib.sha256)
        told["webhook-signature"] = "v1," + base64.b64encode(mac).decode()
    return told


def text_of(body: dict[str, Any]) -> str:
    """A message for people, in one line. The signs that Slack reads as markup or as a mention are taken from names."""
    owner = f", owner {body['owner']}" if body.get("owner") else ""
    told = f"[severity {body['severity']}] {body['title']}: {body['asset']} ({body['source']}), {body['state']}{owner}"
    return told.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def reachable(host: str, port: int) -> str:
    """The address to connect to. Raises AddressRefused, and SourceUnreachable where the name leads nowhere."""
    for address in policy().resolve(host, port):
        _foreign(host, ipaddress.ip_address(address.partition("%")[0]))
        return address
    raise AddressRefused(f"'{host}' has no address.", "Correct it.")


def _foreign(host: str, address: Address) -> None:
    """Raises AddressRefused for an address of this machine that no setting allows."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_loopback and not any(mapped in network for network in policy().networks):
        raise AddressRefused(
            f"'{host}' leads to this machine.", "Name its range in SEXTANT_ALLOWED_NETWORKS to allow it."
        )


def _post(url: str, content: bytes, headers: dict[str, str]) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    address = reachable(host, port)
    told = {"content-type": "application/json", "host": parts.netloc, "user-agent": "sextant", **headers}
    pinned = httpx.URL(url).copy_with(host=address)
    with httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
        request = client.build_request("POST", pinned, content=content, headers=told)
        request.extensions["sni_hostname"] = host
        with client.stream(
            request.method, request.url, content=content, headers=told, extensions=request.extensions
        ) as answer:
            status = answer.status_code
    if not 200 <= status < 300:
        raise Undelivered(
            f"The channel answered {status}.", final=400 <= status < 500 and status not in {408, 425, 429}
        )


def _mail(channel: Channel, body: dict[str, Any], secret: str) -> None:
    told = channel.options
    host, port, tls = told["host"], int(told.get("port", 587)), told.get("tls", "starttls")
    address, context = reachable(host, port), ssl.create_default_context()
    letter = EmailMessage()
    letter["From"], letter["To"] = told["sender"], channel.target
    letter["Subject"] = " ".join(f"[Sextant] {body['title']}: {body['asset']}".split())[:200]
    letter["Message-ID"] = f"<{body['incident']}.{body['id']}@sextant>"
    letter.set_content("\n".join(f"{name}: {value}" for name, value in body.items() if value is not None))
    if tls == "implicit":
        server: smtplib.SMTP = _ImplicitTls(address, host, port, context)
    else:
        server = smtplib.SMTP(address, port, timeout=SECONDS)
    with server:
        if tls == "starttls":
            server._host = host  # type: ignore[attr-defined]  # the name that the certificate is checked against
            server.starttls(context=context)
        if told.get("username"):
            server.login(told["username"], secret)
        server.send_message(letter)


class _ImplicitTls(smtplib.SMTP_SSL):
    """SMTP over TLS to an address, with the certificate checked against the host's name."""

    def __init__(self, address: str, host: str, port: int, context: ssl.SSLContext) -> None:
        self._named = host
        super().__init__(address, port, timeout=SECONDS, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        plain = smtplib.SMTP._get_socket(self, host, port, timeout)  # type: ignore[attr-defined]
        return self.context.wrap_socket(plain, server_hostname=self._named)
