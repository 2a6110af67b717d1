"""What runs in a worker process: planning an order, and carrying it out. What is returned holds no data value."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from cluster.connectors.interface import SourceAccess
from cluster.errors import Conflict


class Job(BaseModel):
    """An order as a worker gets it: `sealed` is opened there and nowhere else."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    state: str
    given: dict[str, Any]
    sealed: str | None
    plan: dict[str, Any] | None
    subject: str | None


class Opened(NamedTuple):
    """The secrets of an order."""

    credentials: Mapping[str, Mapping[str, str]]
    keys: frozenset[str]


def carry_out(job: Job) -> dict[str, Any]:
    """Plans the order, or does what was approved, and returns the plan or the proof. Raises SextantError."""
    functions: dict[tuple[str, str], Callable[[Job, Opened], dict[str, Any]]] = {
        ("enforcement", "planning"): _plan_guards,
        ("enforcement", "approved"): _apply_guards,
        ("rollback", "planning"): _plan_rollback,
        ("rollback", "approved"): _roll_back,
        ("retention", "planning"): _count_due,
        ("retention", "approved"): _delete_due,
        ("access", "planning"): _find,
        ("erasure", "planning"): _find,
        ("erasure", "approved"): _erase,
    }
    return functions[job.kind, job.state](job, _opened(job))


def _opened(job: Job) -> Opened:
    from cluster.security.secrets import unseal

    secrets = unseal(job.sealed, job.id)
    return Opened(json.loads(secrets.get("credentials", "{}")), frozenset(json.loads(secrets.get("keys", "[]"))))


def _credential(access: SourceAccess, given: Mapping[str, str]) -> Mapping[str, str]:
    from cluster.connectors.opening import credential_of

    return given or credential_of(access)


def _plan_guards(job: Job, opened: Opened) -> dict[str, Any]:
    from cluster.connectors.postgres import guarding, guards
    from cluster.connectors.postgres.changing import changing

    access = SourceAccess.model_validate(job.given["access"])
    wanted = [guards.Guard.model_validate(one) for one in job.given["guards"]]
    with changing(access, _credential(access, opened.credentials.get("own", {}))) as connection:
        found = [(guard, guarding.state(connection, guard)) for guard in wanted]
    made = guards.plan(found, job.given["take_from_public"])
    return made.model_dump(mode="json") | {"left": job.given["left"]}


def _apply_guards(job: Job, opened: Opened) -> dict[str, Any]:
    """Applies the plan that was approved if it is still what is needed, and tries the result as each role."""
    from cluster.connectors.postgres import guarding, guards
    from cluster.connectors.postgres.changing import acting_as, changing

    access = SourceAccess.model_validate(job.given["access"])
    credential = _credential(access, opened.credentials.get("own", {}))
    wanted = [guards.Guard.model_validate(one) for one in job.given["guards"]]
    approved = guards.Plan.model_validate({key: (job.plan or {})[key] for key in ("steps", "blockers")})
    with changing(access, credential) as owner, changing(access, credential) as other:
        found = [(guard, guarding.state(owner, guard)) for guard in wanted]
        needed = guards.plan(found, job.given["take_from_public"])
        if needed != approved and needed.steps:  # no steps: it was applied, and the answer was lost
            raise Conflict("The database has changed since the order was planned.", "Order it again.")
        guarding.apply(owner, needed.steps)
        proofs = []
        for guard in wanted:
            if guard.role == guards.EVERYBODY:
                proofs.append(guarding.verify_closed(owner, guard))
                continue
            with acting_as(other, guard.role) as restricted:
                proofs += guarding.verify(owner, restricted, guard, "set role")
    return {
        "applied": [step.model_dump(mode="json") for step in approved.steps],
        "proofs": [proof.model_dump(mode="json") for proof in proofs],
        "verified": all(proof.passed for proof in proofs),
        "masked": job.given["masked"] if all(proof.passed for proof in proofs) else [],
    }


def _plan_rollback(job: Job, opened: Opened) -> dict[str, Any]:
    undo = [step["undo"] for step in reversed(job.given["steps"]) if step["undo"]]
    return {"statements": undo, "blockers": []}


def _roll_back(job: Job, opened: Opened) -> dict[str, Any]:
    from cluster.connectors.postgres import guarding
    from cluster.connectors.postgres.changing import changing
    from cluster.connectors.postgres.guards import Step

    access = SourceAccess.model_validate(job.given["access"])
    steps = [Step.model_validate(step) for step in job.given["steps"]]
    with changing(access, _credential(access, opened.credentials.get("own", {}))) as connection:
        guarding.take_back(connection, steps)
    return {"taken_back": len(steps), "of": job.given["of"]}


def _count_due(job: Job, opened: Opened) -> dict[str, Any]:
    from cluster.connectors.postgres.changing import changing
    from cluster.connectors.postgres.deleting import due
    from cluster.connectors.relation_paths import parts_of

    access, cutoff = SourceAccess.model_validate(job.given["access"]), date.fromisoformat(job.given["cutoff"])
    with changing(access, _credential(access, opened.credentials.get("own", {}))) as connection:
        found = [due(connection, parts_of(name), job.given["clock"], cutoff) for name in job.given["tables"]]
    return {
        "cutoff": job.given["cutoff"],
        "clock": job.given["clock"],
        "tables": [one.model_dump(mode="json") for one in found],
        "held": job.given["held"],
        "due": sum(one.due for one in found),
        "blockers": [],
    }


def _delete_due(job: Job, opened: Opened) -> dict[str, Any]:
    """Deletes in one transaction what is older than the cutoff that was approved; what a hold keeps is left."""
    from cluster.connectors.postgres.changing import changing
    from cluster.connectors.postgres.deleting import delete_due, due
    from cluster.connectors.relation_paths import parts_of

    access, cutoff = SourceAccess.model_validate(job.given["access"]), date.fromisoformat(job.given["cutoff"])
    clock, held = job.given["clock"], set(job.given["held"])
    names = [name for name in job.given["tables"] if name not in held]
    with changing(access, _credential(access, opened.credentials.get("own", {}))) as connection:
        counted = {name: due(connection, parts_of(name), clock, cutoff) for name in names}
        sound = [name for name in names if counted[name].problem is None]
        with connection.transaction():
            deleted = {name: delete_due(connection, parts_of(name), clock, cutoff) for name in sound}
        after = {name: due(connection, parts_of(name), clock, cutoff) for name in sound}
    return {
        "cutoff": job.given["cutoff"],
        "deleted": deleted,
        "before": {name: one.model_dump(mode="json") for name, one in counted.items()},
        "left_due": sum(one.due for one in after.values()),
        "held": sorted(held & set(job.given["tables"]) | held & set((job.plan or {}).get("held", ()))),
        "complete": all(one.due == 0 for one in after.values()) and len(sound) == len(names),
    }


def _find(job: Job, opened: Opened) -> dict[str, Any]:
    from actors.compliance.subjects import open_search

    with open_search(job.given, opened.credentials, opened.keys) as search:
        search.run()
        return search.plan()


def _erase(job: Job, opened: Opened) -> dict[str, Any]:
    from actors.compliance.certificates import certificate
    from actors.compliance.subjects import open_search

    with open_search(job.given, opened.credentials, opened.keys) as search:
        search.run()
        erased = search.erase()
        search.again()
        return certificate(job.id, str(job.subject), job.plan or {}, erased, search.plan())
