"""The facts of a bucket: where it is, how it is encrypted, who may read it, and whether it insists on TLS."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cluster.clouds.interface import Resource

if TYPE_CHECKING:
    from cluster.clouds.aws import Aws

_EVERYBODY = (
    "http://acs.amazonaws.com/groups/global/AllUsers", "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)  # fmt: skip


def bucket_facts(account: "Aws", name: str) -> Resource:
    """A bucket with all that it tells; what it does not tell is None and a problem of the account."""
    client, here = account.client("s3"), {"Bucket": name}
    place = account.fact(f"the region of {name}", lambda: client.get_bucket_location(**here))
    region = (place or {}).get("LocationConstraint") or "us-east-1" if place is not None else None
    encrypted, key = _encryption(account, client, name)
    tags = account.fact(f"the tags of {name}", lambda: client.get_bucket_tagging(**here), ("NoSuchTagSet",)) or {}
    policy = account.fact(f"the policy of {name}", lambda: client.get_bucket_policy(**here), ("NoSuchBucketPolicy",))
    return Resource(
        native_id=f"arn:aws:s3:::{name}", kind="bucket", name=name, region=region, engine="s3", url=f"s3://{name}",
        size_bytes=_size(account, name, region), encrypted_at_rest=encrypted, kms_key=key,
        public_access=_public(account, client, name, policy), tls_required=_tls_required(policy),
        tags={tag["Key"]: tag["Value"] for tag in tags.get("TagSet", ())},
    )  # fmt: skip


def _encryption(account: "Aws", client: Any, name: str) -> tuple[bool | None, str | None]:
    absent = ("ServerSideEncryptionConfigurationNotFoundError",)
    problems = len(account.problems)
    found = account.fact(f"the encryption of {name}", lambda: client.get_bucket_encryption(Bucket=name), absent)
    if found is None:
        return (False if len(account.problems) == problems else None), None
    rules = found["ServerSideEncryptionConfiguration"]["Rules"]
    default: dict[str, Any] = next((rule["ApplyServerSideEncryptionByDefault"] for rule in rules), {})
    return bool(default.get("SSEAlgorithm")), default.get("KMSMasterKeyID")


def _public(account: "Aws", client: Any, name: str, policy: Mapping[str, Any] | None) -> bool | None:
    """Whether everybody may read it, by its policy or access list, where no block of public access forbids it."""
    absent = ("NoSuchPublicAccessBlockConfiguration",)
    problems = len(account.problems)
    block = account.fact(f"the block of {name}", lambda: client.get_public_access_block(Bucket=name), absent) or {}
    closed = block.get("PublicAccessBlockConfiguration", {})
    if closed.get("RestrictPublicBuckets") and closed.get("IgnorePublicAcls"):
        return False
    acl = account.fact(f"the access list of {name}", lambda: client.get_bucket_acl(Bucket=name)) or {}
    by_acl = any(grant.get("Grantee", {}).get("URI") in _EVERYBODY for grant in acl.get("Grants", ()))
    by_policy = any(
        statement.get("Effect") == "Allow" and not statement.get("Condition") and _everybody(statement.get("Principal"))
        for statement in _statements(policy)
    )
    if (by_acl and not closed.get("IgnorePublicAcls")) or (by_policy and not closed.get("RestrictPublicBuckets")):
        return True
    return False if len(account.problems) == problems else None


def _tls_required(policy: Mapping[str, Any] | None) -> bool:
    """Whether the policy refuses everybody who comes without TLS: AWS's own recommendation for it."""
    for statement in _statements(policy):
        secure = {
            str(value).lower()
            for operator in statement.get("Condition", {}).values()
            for name, value in operator.items()
            if name.lower() == "aws:securetransport"
        }
        actions = statement.get("Action")
        all_of_them = bool({"*", "s3:*"} & set([actions] if isinstance(actions, str) else actions or ()))
        refuses = statement.get("Effect") == "Deny" and _everybody(statement.get("Principal"))
        if refuses and all_of_them and secure == {"false"}:
            return True
    return False


def _statements(policy: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    try:
        found = json.loads(policy["Policy"])["Statement"] if policy else []
    except (ValueError, KeyError, TypeError):
        return []
    return [found] if isinstance(found, dict) else [one for one in found if isinstance(one, dict)]


def _everybody(principal: Any) -> bool:
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return named == "*" or (isinstance(named, list) and "*" in named)


def _size(account: "Aws", name: str, region: str | None) -> int | None:
    """The size that CloudWatch measured last, within two days."""
    now = datetime.now(UTC)
    found = account.fact(
        f"the size of {name}",
        lambda: account.client("cloudwatch", region).get_metric_statistics(
            Namespace="AWS/S3", MetricName="BucketSizeBytes", StartTime=now - timedelta(days=2), EndTime=now,
            Period=86_400, Statistics=["Average"],
            Dimensions=[{"Name": "BucketName", "Value": name}, {"Name": "StorageType", "Value": "StandardStorage"}],
        ),
    )  # fmt: skip
    points = sorted((found or {}).get("Datapoints", ()), key=lambda point: point["Timestamp"])
    return int(points[-1]["Average"]) if points else None
