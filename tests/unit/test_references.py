"""Credentials that say where the secret is. The stores are servers that speak each vendor's documented protocol."""

import base64
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from actors.catalog import worker as catalog
from actors.compliance import worker as compliance
from cluster.connectors.interface import SourceAccess
from cluster.errors import InvalidInput, SecretUnavailable
from cluster.security import cloud_tokens, references
from cluster.security.secrets import seal
from cluster.settings import settings

SECRET = "s3cr3t of the test"
Answer = Callable[[str, str, dict[str, str], bytes], tuple[int, Any]]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets variables of the environment and has the settings read anew."""

    def set_(**variables: object) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        settings.cache_clear()
        references.forget()
        cloud_tokens._kept.clear()

    yield set_
    monkeypatch.undo()
    settings.cache_clear()
    references.forget()
    cloud_tokens._kept.clear()


@pytest.fixture
def store() -> Iterator[Callable[[Answer], str]]:
    """Starts a server that answers JSON; gives its address."""
    servers = []

    def start(answer: Answer) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, found = answer(self.command, self.path, headers, body)
                content = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def follow(text: str) -> str:
    return references.resolved({"password": text})["password"]


def test_variables_of_the_right_prefix_and_nothing_else(configured: Any) -> None:
    configured(SEXTANT_SECRET_DB=SECRET, SEXTANT_MASTER_KEY="x")
    assert references.resolved({"username": "ada", "password": "ref+env://SEXTANT_SECRET_DB"}) == {
        "username": "ada", "password": SECRET,
    }  # fmt: skip
    with pytest.raises(InvalidInput):
        references.schemes_of({"password": "ref+env://SEXTANT_MASTER_KEY"})
    with pytest.raises(SecretUnavailable, match="SEXTANT_SECRET_NONE"):
        follow("ref+env://SEXTANT_SECRET_NONE")


def test_orders_and_quality_tests_follow_them_as_scans_do(configured: Any) -> None:
    configured(SEXTANT_SECRET_DB=SECRET)
    sealed = seal({"username": "ada", "password": "ref+env://SEXTANT_SECRET_DB"}, "s")
    access = SourceAccess(source_id="s", url="postgresql://h/db", sealed=sealed)
    assert compliance._credential(access, {}) == {"username": "ada", "password": SECRET}
    assert compliance._credential(access, {"username": "bob"}) == {"username": "bob"}
    assert catalog._opened(access)._session._credential["password"] == SECRET  # type: ignore[attr-defined]


def test_files_are_confined_to_their_folder(configured: Any, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "db").write_text(f"{SECRET}\n")
    (folder / "all.json").write_text(json.dumps({"password": SECRET, "port": 5432}))
    (tmp_path / "outside").write_text("not to be seen")
    (folder / "link").symlink_to(tmp_path / "outside")
    configured(SEXTANT_SECRET_FILES=folder)
    assert follow("ref+file://db") == SECRET
    assert follow("ref+file://all.json#/password") == SECRET
    for path in ("link", "missing", "all.json#/none", "."):
        with pytest.raises(SecretUnavailable):
            follow(f"ref+file://{path}")
    with pytest.raises(InvalidInput):
        follow("ref+file://../outside")


@pytest.mark.parametrize("text", ["ref+", "ref+x://a", "ref+vault://", "ref+vault://a?token=b", "ref+env://PATH"])
def test_what_is_no_reference_is_refused_when_it_is_set(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        references.schemes_of({"password": text})
    assert "token=b" not in str(caught.value)


def test_vault_by_role_and_by_token(configured: Any, store: Any) -> None:
    asked: list[str] = []

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        asked.append(path)
        if path == "/v1/auth/approle/login":
            right = json.loads(body) == {"role_id": "r", "secret_id": "t"}
            return (200, {"auth": {"client_token": "tok"}}) if right else (400, {"errors": []})
        if headers.get("x-vault-token") != "tok":
            return 403, {"errors": ["permission denied"]}
        if path == "/v1/kv/data/team/db?version=2":
            return 200, {"data": {"data": {"password": SECRET}, "metadata": {"version": 2}}}
        if path == "/v1/kv/data/gone":
            return 200, {"data": {"data": None, "metadata": {"deletion_time": "2026-01-01T00:00:00Z"}}}
        return 404, {"errors": []}

    url = store(answer)
    configured(SEXTANT_VAULT_URL=url, SEXTANT_VAULT_ROLE_ID="r", SEXTANT_VAULT_SECRET_ID="t")
    assert follow("ref+vault://kv/team/db?version=2#/password") == SECRET
    count = len(asked)
    assert follow("ref+vault://kv/team/db?version=2#/password") == SECRET
    assert len(asked) == count, "a secret is remembered for a few seconds"
    for path in ("kv/gone#/password", "kv/none#/password"):
        with pytest.raises(SecretUnavailable, match="no such secret"):
            follow(f"ref+vault://{path}")
    configured(SEXTANT_VAULT_ROLE_ID="", SEXTANT_VAULT_TOKEN="wrong")
    with pytest.raises(SecretUnavailable, match="does not let"):
        follow("ref+vault://kv/team/db#/password")
    configured(SEXTANT_VAULT_URL="http://127.0.0.1:1")
    with pytest.raises(SecretUnavailable, match="does not answer"):
        follow("ref+vault://kv/team/db#/password")


def test_aws_secrets_manager_in_the_vendors_emulator(configured: Any, s3_endpoint: str) -> None:
    import boto3

    configured(
        AWS_ENDPOINT_URL_SECRETS_MANAGER=s3_endpoint, AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="s",
        AWS_DEFAULT_REGION="eu-west-1",
    )  # fmt: skip
    client = boto3.client("secretsmanager")
    client.create_secret(Name="team/db", SecretString=json.dumps({"password": SECRET}))
    assert follow("ref+awssecrets://team/db#/password") == SECRET
    client.put_secret_value(SecretId="team/db", SecretString=json.dumps({"password": "newer"}))
    references.forget()
    assert follow("ref+awssecrets://team/db#/password") == "newer"
    with pytest.raises(SecretUnavailable, match="no such secret"):
        follow("ref+awssecrets://team/db?region=us-east-1#/password")


def test_azure_key_vault(configured: Any, store: Any) -> None:
    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if path == "/ten/oauth2/v2.0/token":
            right = b"client_secret=cs" in body and b"scope=https%3A%2F%2Fvault.azure.net%2F.default" in body
            return (200, {"access_token": "tok", "expires_in": 3600}) if right else (401, {})
        if headers.get("authorization") != "Bearer tok":
            return 401, {}
        found = path == "/team/secrets/db?api-version=7.4"
        return (200, {"value": SECRET, "id": "x"}) if found else (404, {"error": {"code": "SecretNotFound"}})

    url = store(answer)
    configured(
        SEXTANT_AZURE_VAULT_URL=f"{url}/{{vault}}", AZURE_AUTHORITY_HOST=url, AZURE_TENANT_ID="ten",
        AZURE_CLIENT_ID="id", AZURE_CLIENT_SECRET="cs",
    )  # fmt: skip
    assert follow("ref+azurekeyvault://team/db") == SECRET
    with pytest.raises(SecretUnavailable, match="no such secret"):
        follow("ref+azurekeyvault://team/none")
    configured(AZURE_CLIENT_SECRET="no")
    with pytest.raises(SecretUnavailable, match="no token"):
        follow("ref+azurekeyvault://team/db")


def test_google_secret_manager_with_a_service_account(configured: Any, store: Any, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if path == "/token":
            text, _, signature = body.decode().partition("assertion=")[2].rpartition(".")
            given = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
            key.public_key().verify(given, text.encode(), padding.PKCS1v15(), SHA256())
            return 200, {"access_token": "tok", "expires_in": 3600}
        if path != "/v1/projects/team-1/secrets/db/versions/latest:access" or headers["authorization"] != "Bearer tok":
            return 404, {}
        return 200, {"name": "n", "payload": {"data": base64.b64encode(SECRET.encode()).decode()}}

    url = store(answer)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = tmp_path / "account.json"
    account.write_text(json.dumps({"client_email": "a@b", "private_key": pem, "token_uri": f"{url}/token"}))
    configured(SEXTANT_GCP_SECRETS_URL=url, GOOGLE_APPLICATION_CREDENTIALS=account)
    assert follow("ref+gcpsecrets://team-1/db") == SECRET
    with pytest.raises(SecretUnavailable):
        follow("ref+gcpsecrets://team-1/none")
