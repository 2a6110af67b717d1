"""An AWS account: buckets, database instances and clusters, warehouses and Glue catalogs of all regions, with facts.

Calls are repeated by botocore's standard mode when AWS throttles them; what is refused to the end is a problem, and a
list that was refused makes the listing incomplete.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from cluster.clouds.aws_buckets import bucket_facts
from cluster.clouds.interface import AccountAccess, AccountListing, Resource
from cluster.connectors.interface import Problem
from cluster.errors import SextantError, SourceAuthFailed, SourceDenied, SourceError, SourceUnreachable, TooManyRequests

T = TypeVar("T")

ATTEMPTS = 8
THREADS = 8
_REFUSED = frozenset({
    "InvalidClientTokenId", "SignatureDoesNotMatch", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
    "UnrecognizedClientException", "InvalidAccessKeyId",
})  # fmt: skip
_SLOW = frozenset({"Throttling", "ThrottlingException", "SlowDown", "RequestLimitExceeded", "TooManyRequestsException"})
_SCHEMES = {"postgres": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_FORCED = {"postgres": "rds.force_ssl", "mysql": "require_secure_transport", "mariadb": "require_secure_transport"}


class Aws:
    """One account, by one session. `client` makes the vendor's client of a service in a region."""

    def __init__(self, access: AccountAccess, credential: Mapping[str, str]) -> None:
        import boto3
        from botocore.config import Config

        from cluster.security.egress import egress

        endpoint = access.options.get("endpoint")
        proxies = {"http": egress().url, "https": egress().url} if endpoint else None
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS}, connect_timeout=10, read_timeout=60,
            proxies=proxies, max_pool_connections=THREADS, s3={"addressing_style": "path" if endpoint else "auto"},
        )  # fmt: skip
        self._endpoint, self._regions = endpoint, access.regions
        self._session = boto3.Session(
            aws_access_key_id=credential.get("access_key_id"),
            aws_secret_access_key=credential.get("secret_access_key"),
            aws_session_token=credential.get("session_token"),
            region_name=access.regions[0] if access.regions else "us-east-1",
        )
        if access.options.get("role_arn"):
            self._assume(access.options)
        self.problems: list[Problem] = []
        self.complete = True

    def client(self, service: str, region: str | None = None) -> Any:
        """The vendor's client."""
        return self._session.client(service, region_name=region, endpoint_url=self._endpoint, config=self._config)

    def regions(self) -> list[str]:
        """The regions to look into. Raises SourceError."""
        if self._regions:
            return list(self._regions)
        found = called("the regions", lambda: self.client("ec2").describe_regions())
        return sorted(region["RegionName"] for region in found["Regions"])

    def fact(self, what: str, read: Callable[[], T], absent: tuple[str, ...] = ()) -> T | None:
        """A fact, None where there is none (a code of `absent`), or where it may not be read, which is a problem."""
        try:
            found: T | None = called(what, read, absent)
            return found
        except SourceError as error:
            self.problems.append(problem_of(what, error))
            return None

    def listed(self, what: str, read: Callable[[], Iterator[T]]) -> Iterator[T]:
        """The entries of a list; one that breaks off makes the listing incomplete."""
        try:
            entries = called(what, lambda: iter(read()))
            while entries is not None and (entry := called(what, lambda: next(entries, None))) is not None:
                yield entry
        except SextantError as error:
            self.problems.append(problem_of(what, error))
            self.complete = False

    def _assume(self, options: Mapping[str, str]) -> None:
        import boto3

        more = {"ExternalId": options["external_id"]} if options.get("external_id") else {}
        given = called(
            "the role",
            lambda: self.client("sts").assume_role(RoleArn=options["role_arn"], RoleSessionName="sextant", **more),
        )["Credentials"]
        self._session = boto3.Session(
            aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"], region_name=self._session.region_name,
        )  # fmt: skip


def list_aws(access: AccountAccess, credential: Mapping[str, str]) -> AccountListing:
    """Everything in the account. Raises SourceError where not even its regions can be listed."""
    account = Aws(access, credential)
    called("the account", lambda: account.client("sts").get_caller_identity())
    regions = account.regions()
    found = [*_buckets(account)]
    for region in regions:
        found += [*_databases(account, region), *_clusters(account, region), *_warehouses(account, region)]
        found += _catalogs(account, region)
    return AccountListing(resources=tuple(found), complete=account.complete, problems=tuple(account.problems))


def called(what: str, call: Callable[[], T], absent: tuple[str, ...] = ()) -> Any:
    """What a call gives; None for a code of `absent`. Raises SourceError without the vendor's text."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in absent:
            return None
        raised: SextantError
        if code in _REFUSED:
            raised = SourceAuthFailed("AWS refused the credential.", "Check the keys, and whether a token has expired.")
        elif code in _SLOW:
            raised = TooManyRequests(
                f"AWS throttles the listing of {what}.", "It is tried again with the next discovery."
            )
        elif "Denied" in code or "Unauthorized" in code or code == "Forbidden":
            raised = SourceDenied(
                f"AWS does not let Sextant read {what}.", "Grant the role SecurityAudit, or this call."
            )
        else:
            raised = SourceError(f"AWS did not give {what} ({code[:60]}).", "Look the code up in the service's manual.")
    except BotoCoreError:
        raised = SourceUnreachable(f"AWS did not answer for {what}.", "Check region, endpoint and network.")
    raise raised from None


def problem_of(what: str, error: SextantError) -> Problem:
    """A problem of the listing."""
    return Problem(path=what, code=error.code, detail=error.detail, remedy=error.remedy)


def _buckets(account: Aws) -> Iterator[Resource]:
    client = account.client("s3")
    pages = client.get_paginator("list_buckets") if client.can_paginate("list_buckets") else None
    names = account.listed(
        "the buckets",
        lambda: (
            bucket["Name"]
            for page in (pages.paginate() if pages else [client.list_buckets()])
            for bucket in page["Buckets"]
        ),
    )
    with ThreadPoolExecutor(THREADS) as threads:
        yield from threads.map(lambda name: bucket_facts(account, name), list(names))


def _pages(account: Aws, service: str, region: str, operation: str, key: str) -> Iterator[dict[str, Any]]:
    client = account.client(service, region)
    return account.listed(
        f"{key} of {region}",
        lambda: (entry for page in client.get_paginator(operation).paginate() for entry in page[key]),
    )


def _databases(account: Aws, region: str) -> Iterator[Resource]:
    for one in _pages(account, "rds", region, "describe_db_instances", "DBInstances"):
        groups = [group["DBParameterGroupName"] for group in one.get("DBParameterGroups", ())]
        yield _database(account, region, one, "database", one.get("Endpoint", {}), groups)


def _clusters(account: Aws, region: str) -> Iterator[Resource]:
    for one in _pages(account, "rds", region, "describe_db_clusters", "DBClusters"):
        endpoint = {"Address": one.get("Endpoint"), "Port": one.get("Port")}
        yield _database(account, region, one, "database_cluster", endpoint, [])


def _database(  # noqa: PLR0917 - what one entry is made of
    account: Aws, region: str, one: Mapping[str, Any], kind: Any, endpoint: Mapping[str, Any], groups: list[str]
) -> Resource:
    engine = str(one.get("Engine", ""))
    family = engine.removeprefix("aurora-").removeprefix("custom-")
    prefix = "DBInstance" if kind == "database" else "DBCluster"
    gigabytes = one.get("AllocatedStorage")
    scheme = _SCHEMES.get(family)
    address = endpoint.get("Address")
    database = one.get("DBName") or one.get("DatabaseName")
    return Resource(
        native_id=one[f"{prefix}Arn"], kind=kind, name=one[f"{prefix}Identifier"], region=region, engine=engine,
        url=f"{scheme}://{address}:{endpoint.get('Port')}/{database}" if scheme and address and database else None,
        size_bytes=None if gigabytes is None else int(gigabytes) << 30, encrypted_at_rest=one.get("StorageEncrypted"),
        kms_key=one.get("KmsKeyId"), public_access=one.get("PubliclyAccessible"),
        tls_required=_forced(account, region, groups, _FORCED.get(family)),
        tags={tag["Key"]: tag["Value"] for tag in one.get("TagList", ())},
        extra={"engine_version": one.get("EngineVersion"), "deletion_protection": one.get("DeletionProtection")},
    )  # fmt: skip


def _forced(account: Aws, region: str, groups: list[str], name: str | None) -> bool | None:
    """Whether the parameter that makes TLS a must is on; None where the engine or its groups do not tell."""
    if not groups or name is None:
        return None
    client, found = account.client("rds", region), None
    for group in groups:
        pages = client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group)
        read = account.fact(f"the parameters of {group}", lambda: [p for page in pages for p in page["Parameters"]])  # noqa: B023
        for parameter in read or ():
            if parameter["ParameterName"] == name and "ParameterValue" in parameter:
                found = parameter["ParameterValue"] in {"1", "on", "ON"}
    return found


def _warehouses(account: Aws, region: str) -> Iterator[Resource]:
    for one in _pages(account, "redshift", region, "describe_clusters", "Clusters"):
        yield Resource(
            native_id=one.get("ClusterNamespaceArn") or f"redshift:{region}:{one['ClusterIdentifier']}",
            kind="warehouse", name=one["ClusterIdentifier"], region=region, engine="redshift",
            encrypted_at_rest=one.get("Encrypted"),
            kms_key=one.get("KmsKeyId"), public_access=one.get("PubliclyAccessible"),
            tags={tag["Key"]: tag["Value"] for tag in one.get("Tags", ())},
        )  # fmt: skip


def _catalogs(account: Aws, region: str) -> Iterator[Resource]:
    for one in _pages(account, "glue", region, "get_databases", "DatabaseList"):
        owner = one.get("CatalogId", "")
        location = str(one.get("LocationUri") or "")
        yield Resource(
            native_id=f"arn:aws:glue:{region}:{owner}:database/{one['Name']}", kind="catalog", name=one["Name"],
            region=region, engine="glue", url=location if location.startswith("s3://") else None,
        )  # fmt: skip
