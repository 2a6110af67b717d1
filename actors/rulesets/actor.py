"""The actor of the rule sets group: sees to it that the shipped rule set is there in its current form."""

import asyncio
from collections.abc import Sequence

from actors.rulesets import queries
from actors.rulesets.contract import DEFAULT, ReviseRuleSet
from actors.rulesets.service import service
from cluster.detectors.compile import load_rule_set
from cluster.runtime.actor import GroupActor, Loop
from cluster.store.engine import reading


class RulesetsActor(GroupActor):
    service = service
    _shipped = False

    def loops(self) -> Sequence[Loop]:
        return (self._ship_default,)

    async def _ship_default(self) -> None:
        """Once: brings the default set up to date, unless a person has made a version of it."""
        if self._shipped:
            return
        if not await asyncio.to_thread(_revised_by_a_person):
            await self.command(ReviseRuleSet(name=DEFAULT, spec=load_rule_set(DEFAULT).value))
        self._shipped = True


def _revised_by_a_person() -> bool:
    with reading() as session:
        row = queries.latest(session, DEFAULT)
        return row is not None and not row.created_by.startswith("system:")
