"""The S3 server of the connectors' tests, which has the other services of AWS too."""

from tests.connectors.source_targets import s3_endpoint

__all__ = ["s3_endpoint"]
