"""Checks on what people have done and when: reviews, incidents, requests of data subjects, attestations.

One judgement per source. Days are those of UTC.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from actors.compliance.contract import FactKind, ReviewSubject
from actors.compliance.facts import Fact, FactSet
from actors.compliance.judgement import Judgement, Parameters, check, count
from actors.compliance.scoping import facts_of, in_state, on_source, outside_source

NEEDS: tuple[FactKind, ...] = ("source", "asset", "labels", "coverage", "records")


class Periodic(Parameters):
    """`reviewed` has to have been done, and passed, within so many days."""

    reviewed: ReviewSubject
    within_days: int = Field(ge=1, le=3650)


class Clock(Parameters):
    """`step` has to follow within so many hours of an incident's detection."""

    hours: int = Field(72, ge=1, le=2000)
    step: Literal["assessed_at", "notified_at"] = "assessed_at"


class OfControl(BaseModel):
    """The control that is attested."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: str
    control: str


def _stand(facts: FactSet, parameters: Parameters) -> tuple[Fact, ...]:
    own = tuple(fact for fact in (facts.source, facts.records) if fact is not None)
    return (*own, *facts_of(in_state(facts, parameters, "held")))


@check("review.done", Periodic, NEEDS, scope="source")
def done(facts: FactSet, parameters: Periodic) -> Iterable[Judgement]:
    """What has to be done from time to time was done in time on the source that holds the data, and it passed."""
    outside = outside_source(facts, parameters)
    if outside is not None:
        return [outside]
    stand = _stand(facts, parameters)
    what = parameters.reviewed.replace("_", " ")
    last: dict[str, Any] | None = (facts.on_record.get("reviews") or {}).get(parameters.reviewed)
    action = f"review:{what}"
    if last is None:
        reason = f"It holds {parameters.data}, and no {what} review is on record."
        return [on_source(facts, "INSUFFICIENT_EVIDENCE", reason, stand, action)]
    if last["result"] != "passed":
        reason = f"The {what} review of {last['done_at']} did not pass."
        return [on_source(facts, "FAIL", reason, stand, action)]
    due = date.fromisoformat(last["done_at"]) + timedelta(days=parameters.within_days)
    if facts.today > due:
        return [on_source(facts, "FAIL", f"The {what} review was due again on {due}.", stand, action)]
    return [
        on_source(facts, "PASS", f"The {what} review of {last['done_at']} passed; the next is due by {due}.", stand)
    ]


@check("incident.in_time", Clock, NEEDS, scope="source")
def incident_in_time(facts: FactSet, parameters: Clock) -> Iterable[Judgement]:
    """Every incident on the data was assessed, or notified, within the hours that the control gives."""
    outside = outside_source(facts, parameters)
    if outside is not None:
        return [outside]
    stand, found = _stand(facts, parameters), facts.on_record.get("incidents")
    if found is None:
        reason = (
            "No register of incidents is kept here; open one by recording the first, or attest that it is elsewhere."
        )
        return [on_source(facts, "INSUFFICIENT_EVIDENCE", reason, stand, "record_incidents")]
    late = [one for one in found if _late(one, parameters, facts.now)]
    verb = "assessed" if parameters.step == "assessed_at" else "notified"
    if late:
        reason = f"The incident '{late[0]['name']}' was not {verb} within {parameters.hours} hours."
        return [on_source(facts, "FAIL", reason, stand, "assess_incident")]
    if not found:
        return [on_source(facts, "NOT_APPLICABLE", "No incident on record concerns the source.", stand)]
    reason = f"{count(len(found), 'incident')} on record, none later than {parameters.hours} hours or still in time."
    return [on_source(facts, "PASS", reason, stand)]


def _late(incident: dict[str, Any], parameters: Clock, now: datetime) -> bool:
    if parameters.step == "notified_at" and incident.get("notice_not_needed"):
        return False
    due = datetime.fromisoformat(incident["detected_at"]) + timedelta(hours=parameters.hours)
    at = incident.get(parameters.step)
    return (datetime.fromisoformat(at) if at else now) > due


@check("request.answered", Parameters, NEEDS, scope="source")
def request_answered(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Requests of data subjects that touch the source are answered in time, and what was to be erased is gone."""
    outside = outside_source(facts, parameters)
    if outside is not None:
        return [outside]
    stand, found = _stand(facts, parameters), facts.on_record.get("requests")
    if not found:
        reason = "No request of a data subject is on record; that one could be answered is not shown."
        return [on_source(facts, "INSUFFICIENT_EVIDENCE", reason, stand, "rehearse_request")]
    failed = [one for one in found if one["outcome"] == "incomplete"]
    late = [one for one in found if str(one.get("done_at") or facts.today) > one["due_at"]]
    if failed or late:
        what = "left data behind" if failed else f"was due on {late[0]['due_at']}"
        return [
            on_source(facts, "FAIL", f"The request {(failed or late)[0]['id'][:8]} {what}.", stand, "finish_request")
        ]
    return [on_source(facts, "PASS", f"{count(len(found), 'request')} answered or in time.", stand)]


@check("attestation.given", OfControl, ("source", "attestation"), scope="source")
def attested(facts: FactSet, parameters: OfControl) -> Iterable[Judgement]:
    """A person attested to the control with evidence, and the attestation has not run out."""
    fact = facts.attestations.get(f"{parameters.framework}/{parameters.control}")
    action = f"attest:{parameters.framework} {parameters.control}"
    source = (facts.source,) if facts.source else ()
    if fact is None:
        reason = "Facts about data cannot decide it, and nobody has attested to it."
        return [on_source(facts, "INSUFFICIENT_EVIDENCE", reason, source, action)]
    if fact.value["expires_at"] < str(facts.today):
        reason = f"The attestation ran out on {fact.value['expires_at']}."
        return [on_source(facts, "INSUFFICIENT_EVIDENCE", reason, (*source, fact), action)]
    evidence = count(fact.value["evidence"], "proof")
    if not fact.value["met"]:
        reason = f"It was attested that the control is not met ({evidence})."
        return [on_source(facts, "FAIL", reason, (*source, fact), action)]
    reason = f"Attested until {fact.value['expires_at']} with {evidence}."
    return [on_source(facts, "PASS", reason, (*source, fact))]
