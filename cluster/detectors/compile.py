"""Rule sets: which detectors run with which thresholds, compiled to one frozen value with a digest."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cluster.detectors.detector import Detector, DetectorPack
from cluster.detectors.taxonomy import OwnClass, Taxonomy, countries_of, load_taxonomy
from cluster.errors import PackInvalid
from cluster.packs import Pack, load_pack, pack_names

# Raise it when a change of the kernels can change a report: cached partitions are then read again.
KERNEL_VERSION = "3"


class RuleSetSpec(BaseModel):
    """A rule set as a person writes it.

    include, exclude: globs over detector ids and pack names (`contact.yaml`, `government.*`).
    min_distinct_matches: distinct validated values a column needs to be called the class as a whole.
    min_match_share: share of non-null values, from 0 to 1, that must validate for the same.
    automatic_at: confidence from which a label needs no review. include_assets, exclude_assets: globs over paths.
    locales: countries (ISO 3166 alpha-2) whose national numbers are looked for; left out, those of all.
    detectors, classes: a rule set's own ones beside the installed; one of the same id takes the place of that.
    sample_share: share of partitions that a scan of level sample reads. text_limit: characters of a value looked at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("", max_length=200)
    include: tuple[str, ...] = Field(("*",), max_length=500)
    exclude: tuple[str, ...] = Field((), max_length=500)
    locales: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...] = Field((), max_length=250)
    min_distinct_matches: int = Field(3, ge=1, le=10_000)
    min_match_share: float = Field(0.6, gt=0, le=1)
    automatic_at: float = Field(0.75, ge=0, le=1)
    include_assets: tuple[str, ...] = Field(("*",), max_length=500)
    exclude_assets: tuple[str, ...] = Field((), max_length=500)
    sample_share: float = Field(0.1, gt=0, le=1)
    text_limit: int = Field(65_536, ge=256, le=1 << 20)
    detectors: tuple[Detector, ...] = Field((), max_length=200)
    classes: tuple[OwnClass, ...] = Field((), max_length=200)

    def covers(self, asset: str) -> bool:
        """Whether the rule set looks at an asset of this path."""
        return _any_glob(asset, self.include_assets) and not _any_glob(asset, self.exclude_assets)


class CompiledRules(BaseModel):
    """Rules ready to run; picklable. `digest` covers all that can change a report and nothing that cannot.

    Labels depend on `spec` too (thresholds), so a rule set whose digest is unchanged may still classify anew: see
    `verdict_digest`. `order` is the order of evaluation and changes the speed only. `parts` says what of a report holds
    under other rules.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: RuleSetSpec
    detectors: tuple[Detector, ...]
    attribute_words: frozenset[str]
    order: tuple[str, ...]
    digest: str
    verdict_digest: str
    parts: "RuleParts"

    def detector(self, identifier: str) -> Detector | None:
        """The detector of that id, or None where the rule set does not include it."""
        return next((d for d in self.detectors if d.id == identifier), None)

    def narrowed(self, only: Iterable[str]) -> "CompiledRules":
        """These rules with the given detectors only, which find what they find beside all others; all without any.

        The claiming ones stay, for what they take away from the rest. The digest is one of its own.
        """
        wanted = frozenset(only)
        if not wanted:
            return self
        kept = tuple(d for d in self.detectors if d.id in wanted or d.claims)
        names = {d.id for d in kept}
        return self.model_copy(
            update={
                "detectors": kept,
                "order": tuple(name for name in self.order if name in names),
                "digest": _sha256({"rules": self.digest, "only": sorted(wanted)}),
            }
        )


class RuleParts(BaseModel):
    """The digest of rules, taken apart: `digest` is that of the rules as a whole.

    Under rules of equal `basis` a detector of equal digest finds the same in the same data. The basis holds all that
    every detector depends on: the kernels, the libraries, how much of a text is looked at, the attribute words, and the
    claiming detectors, which take values away from the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    basis: str
    detectors: dict[str, str]


def compile(
    spec: RuleSetSpec, packs: tuple[Pack[DetectorPack], ...] | None = None, order: Iterable[str] = ()
) -> CompiledRules:
    """The compiled rule set: the detectors that `spec` selects from the packs, sorted by id. No packs: the installed.

    `order` names detectors to evaluate first; unknown ids are ignored, the rest follow by id.
    Raises PackInvalid if a pack does not hold what it promises, or if two detectors share an id; InvalidInput if one of
    the rule set's own detectors or classes does not.
    """
    from cluster.detectors.lint import lint, lint_own

    packs = load_detector_packs() if packs is None else packs
    for pack in packs:
        lint(pack)
    lint_own(spec.detectors, taxonomy_of(spec))
    detectors, words = _chosen(spec, packs), _words(packs)
    _require_unique(detectors)
    wanted = {identifier: place for place, identifier in enumerate(order)}
    ranked = sorted((d.id for d in detectors), key=lambda i: (wanted.get(i, len(wanted)), i))
    parts = _parts(spec, detectors, words)
    digest = parts.digest
    thresholds = spec.model_dump(include={"min_distinct_matches", "min_match_share", "automatic_at"})
    return CompiledRules(
        spec=spec,
        detectors=detectors,
        attribute_words=words,
        order=tuple(ranked),
        digest=digest,
        verdict_digest=_sha256({"rules": digest, "thresholds": thresholds}),
        parts=parts,
    )


@lru_cache(maxsize=8)
def compiled(spec: RuleSetSpec) -> CompiledRules:
    """The rule set compiled with the installed packs, once for this process. Raises PackInvalid."""
    return compile(spec, load_detector_packs())


@lru_cache(maxsize=64)
def rule_parts(spec: RuleSetSpec) -> RuleParts:
    """The digests that `compile` would give these rules with the installed packs, without the cost of compiling."""
    packs = load_detector_packs()
    return _parts(spec, _chosen(spec, packs), _words(packs))


def _parts(spec: RuleSetSpec, detectors: tuple[Detector, ...], words: frozenset[str]) -> RuleParts:
    basis = {
        "kernel": KERNEL_VERSION,
        "polars": version("polars"),
        "phonenumbers": version("phonenumbers"),
        "stdnum": version("python-stdnum"),
        "text_limit": spec.text_limit,
        "attribute_words": sorted(words),
        "claiming": [_content(d) for d in detectors if d.claims],
    }
    digests = {d.id: _sha256(_content(d)) for d in detectors}
    found = _sha256(basis)
    return RuleParts(digest=_sha256({"basis": found, "detectors": digests}), basis=found, detectors=digests)


def _chosen(spec: RuleSetSpec, packs: tuple[Pack[DetectorPack], ...]) -> tuple[Detector, ...]:
    own = {detector.id for detector in spec.detectors}
    chosen = [detector for detector in spec.detectors if not _any_glob(detector.id, spec.exclude)]
    chosen += [
        detector
        for pack in packs
        for detector in pack.value.detectors
        if detector.id not in own
        and _selected(pack.name, detector.id, spec.include)
        and not _selected(pack.name, detector.id, spec.exclude)
        and _at_home(detector.data_class, spec.locales)
    ]
    return tuple(sorted(chosen, key=lambda d: d.id))


def _at_home(data_class: str, locales: tuple[str, ...]) -> bool:
    countries = countries_of(data_class)
    return not locales or not countries or not countries.isdisjoint(locales)


def taxonomy_of(spec: RuleSetSpec) -> Taxonomy:
    """The taxonomy by which a rule set judges. Raises InvalidInput for a class of its own with unknown tags."""
    return load_taxonomy().value.extended(spec.classes)


def _words(packs: tuple[Pack[DetectorPack], ...]) -> frozenset[str]:
    return frozenset(word.lower() for pack in packs for word in pack.value.attribute_words)


@cache
def load_detector_packs() -> tuple[Pack[DetectorPack], ...]:
    """Every pack of configs/detectors, sorted by name. Raises PackInvalid naming the file and the field.

    Detectors come with the names that any of the packs gives to them or to their class.
    """
    return _with_names(tuple(load_pack(name, DetectorPack) for name in pack_names("detectors")))


def _with_names(packs: tuple[Pack[DetectorPack], ...]) -> tuple[Pack[DetectorPack], ...]:
    more: dict[str, list[str]] = defaultdict(list)
    for pack in packs:
        for key, names in pack.value.names.items():
            more[key] += names
    known = {key for pack in packs for d in pack.value.detectors if d.names for key in (d.id, d.data_class)}
    if unknown := sorted(more.keys() - known):
        told = ", ".join(unknown)
        raise PackInvalid(f"Names are given to {told}, which no detector with names has.", "Correct the pack.")
    return tuple(replace(pack, value=_named(pack.value, more)) for pack in packs)


def _named(pack: DetectorPack, more: Mapping[str, Sequence[str]]) -> DetectorPack:
    def told(detector: Detector) -> Detector:
        keys = dict.fromkeys((detector.id, detector.data_class))
        names = dict.fromkeys([*detector.names, *(name for key in keys for name in more.get(key, ()))])
        return detector.model_copy(update={"names": tuple(names)}) if detector.names else detector

    return pack.model_copy(update={"detectors": tuple(map(told, pack.detectors))})


def load_rule_set(name: str = "default") -> Pack[RuleSetSpec]:
    """The rule set at configs/rulesets/<name>.yaml. Raises PackInvalid."""
    return load_pack(f"rulesets/{name}.yaml", RuleSetSpec)


def _selected(pack: str, identifier: str, globs: tuple[str, ...]) -> bool:
    return _any_glob(identifier, globs) or _any_glob(pack.rsplit("/", 1)[-1], globs)


def _any_glob(text: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)


def _content(detector: Detector) -> dict[str, object]:
    # Titles, examples and sources explain a detector; they cannot change what it finds.
    return detector.model_dump(mode="json", exclude={"title", "examples", "source"})


def _require_unique(detectors: tuple[Detector, ...]) -> None:
    seen: set[str] = set()
    for detector in detectors:
        if detector.id in seen:
            raise PackInvalid(f"Two detectors have the id {detector.id!r}.", "Rename one of them.")
        seen.add(detector.id)


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
