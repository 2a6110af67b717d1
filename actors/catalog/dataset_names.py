"""One spelling for the names of datasets: emitters write `s3a://` for `s3://`, and leave out a server's usual port."""

import re
from functools import lru_cache
from typing import Final

_SCHEMES: Final = {
    "s3a": "s3", "s3n": "s3", "gcs": "gs", "postgresql": "postgres", "mariadb": "mysql", "abfs": "abfss",
    "wasb": "abfss", "wasbs": "abfss",
}  # fmt: skip
_PORTS: Final = {"postgres": 5432, "mysql": 3306}
_STORES: Final = ("s3://", "gs://", "abfss://")  # a key in a bucket begins without a slash


@lru_cache(maxsize=4_096)  # an event names the same one a thousand times
def plain_namespace(text: str) -> str:
    """A namespace in the spelling of the naming specification: one scheme for each store, ports of servers told."""
    if text.rstrip("/").lower() in ("file", "file:", "file://localhost"):
        return "file"
    scheme, told, rest = text.rstrip("/").partition("://")
    if not told:
        return text
    scheme = _SCHEMES.get(scheme.lower(), scheme.lower())
    if scheme == "abfss":
        rest = rest.replace(".blob.", ".dfs.")
    if scheme in _PORTS:
        rest = rest.lower() if re.search(r":\d+$", rest) else f"{rest.lower()}:{_PORTS[scheme]}"
    return f"{scheme}://{rest}"


def plain_name(namespace: str, name: str) -> str:
    """The name within a plain namespace: a key in a bucket has no slash before it."""
    return (name.lstrip("/") or name) if namespace.startswith(_STORES) else name
