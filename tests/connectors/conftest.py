"""The fixtures of the connectors' tests; they are in a module of their own so that tests can name its types."""

from source_targets import bucket, database, opened, s3_endpoint

__all__ = ["bucket", "database", "opened", "s3_endpoint"]
