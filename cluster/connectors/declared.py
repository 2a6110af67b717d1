"""Facts that a source cannot tell of itself, declared by options of the source."""

from collections.abc import Mapping

from cluster.connectors.interface import SourceFacts
from cluster.errors import InvalidInput

FLAGS = ("encrypted_at_rest", "public_access", "audit_logging")
WORDS = ("region", "environment")


def declared_facts(facts: SourceFacts, options: Mapping[str, str]) -> SourceFacts:
    """The facts with those that options declare; each declared one is listed in `extra.declared`.

    Flags take true or false. Raises InvalidInput for anything else.
    """
    update: dict[str, object] = {}
    for name in FLAGS:
        value = options.get(name)
        if value is None:
            continue
        if value.lower() not in ("true", "false"):
            raise InvalidInput(f"The option '{name}' is neither true nor false.", "Write true or false.")
        update[name] = value.lower() == "true"
    update |= {name: options[name] for name in WORDS if options.get(name)}
    if not update:
        return facts
    extra = facts.extra | {"declared": sorted(update)}
    return facts.model_copy(update=update | {"extra": extra})
