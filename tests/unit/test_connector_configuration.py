"""The JSON Schema of each connector says of a configuration what registering it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cluster.connectors import check_options, split_url
from cluster.connectors.configuration import KINDS, schema_of
from cluster.connectors.options import OPTIONS
from cluster.connectors.urls import KINDS as SCHEMES
from cluster.errors import InvalidInput

VALUES = (
    "true", "false", "maybe", "require", "verify-full", "any", "primary", "prefer", "1", "86399", "0", "x", "tab", ";",
    '"', "https://h:9", "ftp://h", "production", "", "é",
)  # fmt: skip


def test_every_kind_has_a_schema_that_is_one() -> None:
    assert set(KINDS) == set(OPTIONS) == set(SCHEMES.values())
    for kind in KINDS:
        Draft202012Validator.check_schema(schema_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_is_accepted_by_schema_and_registration(kind: str) -> None:
    url = KINDS[kind].example
    Draft202012Validator(schema_of(kind)).validate({"url": url})
    assert split_url(url).url == url
    assert SCHEMES[url.partition(":")[0]] == kind


@given(kind=st.sampled_from(sorted(KINDS)), name=st.sampled_from(sorted({n for o in OPTIONS.values() for n in o})),
       value=st.sampled_from(VALUES))  # fmt: skip
def test_what_the_schema_allows_is_accepted(kind: str, name: str, value: str) -> None:
    allowed = Draft202012Validator(schema_of(kind)).is_valid({"url": KINDS[kind].example, "options": {name: value}})
    try:
        check_options(kind, {name: value})
    except InvalidInput:
        assert not allowed, (kind, name, value)
    else:
        unsure = name in ("target_session_attrs", "gssencmode", "channel_binding", "sslrootcert")  # the driver's to say
        free = name in ("environment", "region", "warehouse", "role", "http_path")
        spelled = free or value in ("1", "0")  # true and false have other spellings
        assert allowed or unsure or spelled, (kind, name, value)


@pytest.mark.parametrize("url", ["postgresql://u:p@h/d", "s3://key:secret@b/x", "mysql://h/d?password=x", "ftp://h/x"])
def test_a_url_with_a_password_or_options_is_not_what_the_schema_means(url: str) -> None:
    assert not any(Draft202012Validator(schema_of(kind)).is_valid({"url": url}) for kind in KINDS)
