"""What was read and never classified is not known: a census alone is no all-clear."""

from typing import Any

import pytest
from compliance_estates import asset, fact_set, source

from actors.compliance.packs import Use, load_frameworks

USES = [use for framework in load_frameworks().values() for use in framework.uses]


def name(use: Use) -> str:
    return f"{use.framework}-{use.control.id}-{use.check.id}"


def without_labels(*drafts: Any) -> list[Any]:
    return [draft for draft in drafts if draft.kind != "labels"]


@pytest.mark.parametrize("use", USES, ids=name)
def test_an_asset_that_nobody_classified_never_passes(use: Use) -> None:
    tags = list(getattr(use.parameters, "declared_by", ()))
    drafts = without_labels(source(environment="staging"), *asset(method="census", tags=tags))
    assert {draft.kind for draft in drafts} == {"source", "asset", "coverage"}
    found = {judgement.verdict for judgement in use.check.function(fact_set(drafts), use.parameters)}
    assert found == {"INSUFFICIENT_EVIDENCE"}
