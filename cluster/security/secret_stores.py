"""Asking the stores of secrets, each in its vendor's own protocol. What they say goes into no message.

HashiCorp Vault: KV version 2 and AppRole (developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2). AWS: boto3, with its
own chain of credentials. Azure: GET {vault}/secrets/{name}, api-version 7.4. Google: projects.secrets.versions.access.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from cluster.errors import SecretUnavailable
from cluster.security.cloud_tokens import azure_token, google_token
from cluster.security.references import Reference
from cluster.settings import settings

SECONDS = 10.0
_VAULT_NAME = re.compile(r"[A-Za-z0-9-]{3,24}")
_PROJECT = re.compile(r"[A-Za-z0-9:.-]{1,63}")
_STATUS = {
    401: ("refused Sextant's own credential", "Renew it."),
    403: ("does not let Sextant read the secret", "Grant it to read this path."),
    404: ("has no such secret", "Check the reference, and whether the secret was deleted."),
    429: ("is asked too often", "It is tried again."),
    503: ("is sealed or in maintenance", "Unseal it."),
}


def answered(store: str, method: str, url: str, **more: Any) -> Mapping[str, Any]:
    """The JSON object that a store answers. Raises SecretUnavailable saying why there is none."""
    try:
        response = httpx.request(method, url, timeout=SECONDS, follow_redirects=False, **more)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise SecretUnavailable(f"{store} does not answer.", "Check its address, and the network.") from None
    if response.status_code >= 300:
        what, remedy = _STATUS.get(
            response.status_code, (f"answered with status {response.status_code}", "See its log.")
        )
        raise SecretUnavailable(f"{store} {what}.", remedy)
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SecretUnavailable(f"{store} answered with something that is no secret.", "Check its address.")
    return found


def _vault(reference: Reference) -> str:
    """The value of a key of a secret, or the whole secret as JSON where no key is named."""
    import json

    base = settings().vault_url
    if not base:
        raise SecretUnavailable("No Vault is configured.", "Set SEXTANT_VAULT_URL and a token or a role.")
    mount, _, path = reference.path.partition("/")
    found = answered(
        "Vault", "GET", f"{base.rstrip('/')}/v1/{quote(mount)}/data/{quote(path)}", headers=_vault_headers(base),
        params=dict(reference.parameters),
    )  # fmt: skip
    inner = found.get("data")
    data = inner.get("data") if isinstance(inner, dict) else None
    if not isinstance(data, dict):
        raise SecretUnavailable(
            "Vault has no such secret.", "Check the reference, and whether the version was deleted."
        )
    return json.dumps(data)


def _vault_headers(base: str) -> dict[str, str]:
    chosen = settings()
    space = {"X-Vault-Namespace": chosen.vault_namespace} if chosen.vault_namespace else {}
    if chosen.vault_role_id and chosen.vault_secret_id:
        body = {"role_id": chosen.vault_role_id, "secret_id": chosen.vault_secret_id.get_secret_value()}
        signed = answered("Vault", "POST", f"{base.rstrip('/')}/v1/auth/approle/login", headers=space, json=body)
        return {"X-Vault-Token": str(signed.get("auth", {}).get("client_token", "")), **space}
    if chosen.vault_token is None:
        raise SecretUnavailable("Vault asks for a token.", "Set SEXTANT_VAULT_TOKEN, or a role and its secret.")
    return {"X-Vault-Token": chosen.vault_token.get_secret_value(), **space}


def _aws(reference: Reference) -> str:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise SecretUnavailable("AWS Secrets Manager needs the extra `aws`.", "Install sextant[aws].") from None
    settings_ = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"mode": "standard", "max_attempts": 3})
    try:
        client = boto3.client("secretsmanager", region_name=reference.parameters.get("region"), config=settings_)
        found = client.get_secret_value(SecretId=reference.path)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = {"ResourceNotFoundException": 404, "AccessDeniedException": 403, "ThrottlingException": 429}.get(
            code, 401
        )
        what, remedy = _STATUS[status]
        raise SecretUnavailable(f"AWS Secrets Manager {what}.", remedy) from None
    except BotoCoreError:
        raise SecretUnavailable(
            "AWS Secrets Manager could not be asked.", "Check region, network, and the credential of this node."
        ) from None
    return found["SecretString"] if "SecretString" in found else base64.b64encode(found["SecretBinary"]).decode()


def _azure(reference: Reference) -> str:
    vault, _, rest = reference.path.partition("/")
    name, _, version = rest.partition("/")
    if not _VAULT_NAME.fullmatch(vault) or not name:
        raise SecretUnavailable("The reference names no key vault and secret.", "Write ref+azurekeyvault://VAULT/NAME.")
    base = settings().azure_vault_url.replace("{vault}", vault)
    url = "/".join(filter(None, [base.rstrip("/"), "secrets", quote(name), quote(version)]))
    headers = {"Authorization": f"Bearer {azure_token('https://vault.azure.net/.default')}"}
    found = answered("Azure Key Vault", "GET", url, headers=headers, params={"api-version": "7.4"})
    return str(found.get("value", ""))


def _google(reference: Reference) -> str:
    project, _, name = reference.path.partition("/")
    if not _PROJECT.fullmatch(project) or not name:
        raise SecretUnavailable("The reference names no project and secret.", "Write ref+gcpsecrets://PROJECT/NAME.")
    version = quote(reference.parameters.get("version", "latest"))
    base = settings().gcp_secrets_url.rstrip("/")
    url = f"{base}/v1/projects/{project}/secrets/{quote(name)}/versions/{version}:access"
    found = answered("Google Secret Manager", "GET", url, headers={"Authorization": f"Bearer {google_token()}"})
    try:
        return base64.b64decode(found["payload"]["data"]).decode()
    except (KeyError, TypeError, ValueError):
        raise SecretUnavailable("Google Secret Manager answered without a secret.", "Check the reference.") from None


READERS: Mapping[str, Callable[[Reference], str]] = {
    "vault": _vault, "awssecrets": _aws, "azurekeyvault": _azure, "gcpsecrets": _google,
}  # fmt: skip
