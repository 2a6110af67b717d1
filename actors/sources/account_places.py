"""Where an account lies, and what may be said of it, by its provider."""

from actors.sources.contract import RegisterAccount
from cluster.clouds.azure import ACCOUNT
from cluster.clouds.gcp import PROJECT
from cluster.connectors import check_options, source_kind, split_url
from cluster.errors import InvalidInput
from cluster.security.network import check_places

AWS_OPTIONS = ("endpoint", "role_arn", "external_id")
AZURE_OPTIONS = ("account", "endpoint")
GCP_OPTIONS = ("project", "endpoint")


def reached(command: RegisterAccount) -> tuple[str | None, dict[str, str], dict[str, str]]:
    """The clean URL, options and credential of a command. Raises InvalidInput, AddressRefused."""
    if command.provider == "aws":
        unknown = set(command.options) - set(AWS_OPTIONS)
        if unknown or command.url is not None:
            raise InvalidInput(
                "An AWS account has a URL or an option that it has not.", f"Give {', '.join(AWS_OPTIONS)}."
            )
        check_places("aws://", command.options)
        return None, command.options, {}
    if command.provider == "azure":
        known = set(command.options) <= set(AZURE_OPTIONS) and ACCOUNT.fullmatch(command.options.get("account", ""))
        if not known or command.url is not None or command.regions:
            raise InvalidInput(
                "An Azure account needs the option 'account', and has no URL and no regions.",
                f"Give {', '.join(AZURE_OPTIONS)}: the name of a storage account, and where it is served if elsewhere.",
            )
        check_places("azure://", command.options)
        return None, command.options, {}
    if command.provider == "gcp":
        known = set(command.options) <= set(GCP_OPTIONS) and PROJECT.fullmatch(command.options.get("project", ""))
        if not known or command.url is not None or command.regions:
            raise InvalidInput(
                "An account of Google needs the option 'project', and has no URL and no regions.",
                f"Give {', '.join(GCP_OPTIONS)}: the id of a project, and where it is served if elsewhere.",
            )
        check_places("gcp://", command.options)
        return None, command.options, {}
    if command.url is None or command.regions:
        raise InvalidInput("A server or folder needs a URL, and has no regions.", "Give the URL of the server.")
    parts = split_url(command.url.get_secret_value())
    expected = {"postgresql": "postgresql", "folder": "files"}[command.provider]
    if source_kind(parts.url) != expected or (expected == "files" and not parts.url.startswith("file:")):
        raise InvalidInput("The URL is of another provider.", "Write postgresql://host/postgres, or file:///folder.")
    options = {**parts.options, **command.options}
    check_options(source_kind(parts.url), options)
    check_places(parts.url, options)
    return parts.url, options, dict(parts.credential)
