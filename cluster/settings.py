"""Settings of an instance: environment variables `SEXTANT_*`, then `settings.yaml` in the home, then defaults."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from cluster.errors import ConfigurationError


class Settings(BaseSettings):
    """All that can be set. Everything the instance writes lies under `home`; a port of 0 means "choose a free one"."""

    model_config = SettingsConfigDict(env_prefix="SEXTANT_", extra="forbid", frozen=True)

    home: Path = Field(default_factory=lambda: Path.home() / ".sextant", description="Folder of all state.")
    host: str = Field("127.0.0.1", description="Address the HTTP door listens on.")
    http_port: int = Field(8000, ge=0, le=65535, description="Port of the HTTP API.")
    dashboard_port: int = Field(8265, ge=0, le=65535, description="Port of Ray's dashboard and job API.")
    ray_port: int = Field(0, ge=0, le=65535, description="Port of Ray's GCS.")
    postgres_port: int = Field(0, ge=0, le=65535, description="Port of the embedded PostgreSQL.")
    database_url: SecretStr | None = Field(None, description="PostgreSQL to use instead of the embedded one.")
    postgres_user: str = Field("nobody", description="Unix user the embedded PostgreSQL runs as when started by root.")
    master_key: SecretStr | None = Field(None, description="Base64 of 32 bytes; default is the key file in the home.")
    allowed_hosts: str | None = Field(
        None, description="Hosts that sources may lie on, with commas; *.name for all of one."
    )
    allowed_networks: str | None = Field(None, description="Ranges of addresses that sources may lie in, with commas.")
    file_roots: str | None = Field(
        None, description="Folders that sources of files may lie in, with commas; see `cluster.security.folders`."
    )
    secret_files: Path | None = Field(
        None, description="Folder of ref+file:// secrets; default is `secrets` in the home."
    )
    vault_url: str | None = Field(None, description="HashiCorp Vault that ref+vault:// asks.")
    vault_token: SecretStr | None = Field(None, description="Token for it, where no role is given.")
    vault_role_id: str | None = Field(None, description="AppRole to sign in to Vault with.")
    vault_secret_id: SecretStr | None = Field(None, description="The secret of that role.")
    vault_namespace: str | None = Field(None, description="Namespace of Vault.")
    azure_vault_url: str = Field("https://{vault}.vault.azure.net", description="Where Azure's key vaults are.")
    gcp_secrets_url: str = Field("https://secretmanager.googleapis.com", description="Google Secret Manager.")
    probe_seconds: float = Field(10.0, ge=1, description="Seconds between two probes of a source.")
    region: str | None = Field(None, description="Region of this node: endpoints of the same one are read from first.")
    ray_address: str | None = Field(None, description="Join this Ray cluster instead of starting one.")
    cpus: int | None = Field(None, ge=1, description="CPUs given to Ray; default is all of the machine.")
    object_store_mb: int = Field(200, ge=80, description="Shared memory of Ray's object store in MB.")
    scan_workers: int | None = Field(None, ge=1, description="Scan tasks at once; default is one per Ray CPU.")
    batch_rows: int = Field(32_768, ge=256, le=1_000_000, description="Most rows of one Arrow batch in a scan.")
    batch_bytes: int = Field(16 << 20, ge=1 << 16, description="Bytes of one Arrow batch a reader aims for.")
    partition_bytes: int = Field(64 << 20, ge=1 << 16, description="Bytes of one scan partition the planner aims for.")
    lease_seconds: float = Field(30.0, gt=0, description="Time a scan task may be silent before it is tried again.")
    cpu_hour_price: float | None = Field(None, ge=0, description="Price of one CPU for an hour, for costs of scans.")
    request_price: float | None = Field(None, ge=0, description="Price of 1,000 requests to an object store.")
    currency: str | None = Field(None, max_length=10, description="Currency of the prices, as it is to be shown.")
    embedding_model: str | None = Field(None, description="Folder or Hugging Face id instead of the shipped encoder.")
    entities_model: str | None = Field(None, description="Folder or Hugging Face id instead of the shipped one.")
    model_endpoints: bool = Field(False, description="Serve embeddings and text entities as deployments of their own.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _HomeFile(settings_cls)


class _HomeFile(PydanticBaseSettingsSource):
    """`settings.yaml` of the home: the same names in lower case without the prefix."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        home = Path(os.environ.get("SEXTANT_HOME") or Path.home() / ".sextant")
        try:
            text = (home / "settings.yaml").read_text("utf-8")
        except FileNotFoundError:
            return {}
        try:
            values = yaml.safe_load(text) or {}
        except (yaml.YAMLError, ValueError, RecursionError):
            raise ConfigurationError(f"{home / 'settings.yaml'} is not YAML.", "Correct the file.") from None
        if not isinstance(values, dict):
            raise ConfigurationError(f"{home / 'settings.yaml'} is not a mapping.", "Write one `name: value` a line.")
        return values


@cache
def settings() -> Settings:
    """The settings of this process, read once. Raises ConfigurationError naming each bad value."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"SEXTANT_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(
            f"Settings are not valid: {wrong}.", "Correct the environment or settings.yaml."
        ) from None
