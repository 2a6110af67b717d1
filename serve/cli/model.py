"""`sextant model`: which versions of models there are, how good they are, and which one answers."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from serve.cli.connection import connected
from serve.cli.lists import show

if TYPE_CHECKING:  # the command line must answer at once: what a command needs is imported by the command
    from actors.classification.contract import EvaluationSummary, ModelView

app = typer.Typer(help="Models: versions, the gate, and which one answers.", no_args_is_help=True)
Model = Annotated[str, typer.Argument(help="Id of the model, see `sextant model list`.")]
Override = Annotated[str | None, typer.Option(help="Reason to go on although the gate refuses.")]
POLL_SECONDS = 0.5


@app.command("list")
def list_models(
    kind: Annotated[str | None, typer.Option(help="columns, entities or embedding.")] = None,
    state: Annotated[str | None, typer.Option(help="registered, shadow, canary, active or retired.")] = None,
) -> None:
    """List versions of models."""
    with connected() as sextant:
        rows = [
            (
                one.id,
                one.name,
                one.version,
                one.state,
                f"{one.share:.0%}" if one.share else "",
                _passed(one.gate_passed),
            )
            for one in sextant.models.all(kind, state)  # type: ignore[arg-type]  # the door refuses what is none
        ]
    show("Models", ("Id", "Name", "Version", "State", "Share", "Gate"), rows)


@app.command("show")
def show_model(model: Model) -> None:
    """Print the card of a model and what the gate says of it."""
    with connected() as sextant:
        found = sextant.models.get(model)
    typer.echo(found.card)
    if found.evaluation is None:
        typer.echo("It was not evaluated: `sextant model evaluate`.")
        return
    _checks(found.evaluation)


@app.command("register")
def register(
    kind: Annotated[str, typer.Argument(help="columns, entities or embedding.")],
    folder: Annotated[str, typer.Argument(help="Name of its folder in `models` of the home.")],
) -> None:
    """Register a model; every file is held to its manifest."""
    with connected() as sextant:
        _told(sextant.models.register(kind, folder))  # type: ignore[arg-type]  # the door refuses what is none


@app.command("evaluate")
def evaluate(model: Model) -> None:
    """Measure a model and hold it to the gate; exit code 1 if it does not pass."""
    with connected() as sextant:
        asked = sextant.models.evaluate(model)
        while True:
            done = next(one for one in sextant.models.evaluations(model) if one.id == asked.id)
            if done.state != "pending":
                break
            time.sleep(POLL_SECONDS)
    _checks(done)
    raise typer.Exit(0 if done.passed else 1)


@app.command("shadow")
def shadow(model: Model) -> None:
    """Let a model be asked without answering."""
    with connected() as sextant:
        _told(sextant.models.shadow(model))


@app.command("canary")
def canary(
    model: Model, share: Annotated[float, typer.Argument(min=0, max=1, help="Share of the assets.")],
    override: Override = None,
) -> None:  # fmt: skip
    """Let a model answer for a share of the assets."""
    with connected() as sextant:
        _told(sextant.models.canary(model, share, override))


@app.command("promote")
def promote(model: Model, override: Override = None) -> None:
    """Make a model the one that answers, if the gate lets it pass."""
    with connected() as sextant:
        _told(sextant.models.promote(model, override))


@app.command("rollback")
def rollback(model: Model, reason: Annotated[str, typer.Option(help="Why.")]) -> None:
    """Take a model back; the one before it answers again."""
    with connected() as sextant:
        _told(sextant.models.roll_back(model, reason))


@app.command("retire")
def retire(model: Model) -> None:
    """Put a model that does not answer out of use."""
    with connected() as sextant:
        _told(sextant.models.retire(model))


@app.command("drift")
def drift(
    source: Annotated[str | None, typer.Option(help="Id of a source.")] = None,
    verdict: Annotated[str | None, typer.Option(help="moderate or large: only what moved so far.")] = None,
) -> None:
    """Show how far columns, labels and scores moved since they were first seen."""
    with connected() as sextant:
        rows = [
            (one.day, one.source_id, one.scorer, each.name, each.against, f"{each.psi:.3f}", f"{each.ks:.3f}",
             f"{each.js:.3f}", each.verdict)
            for one in sextant.models.drift(source, verdict)
            for each in one.drift
            if verdict is None or each.verdict in {verdict, "large"}
        ]  # fmt: skip
    show("Drift", ("Day", "Source", "Of", "Name", "Against", "PSI", "KS", "JS", "Verdict"), rows)


@app.command("train")
def train(
    reason: Annotated[str, typer.Option(help="Why.")],
    kind: Annotated[str, typer.Argument(help="columns")] = "columns",
) -> None:
    """Train a model anew as a Ray job; the result is a shadow."""
    with connected() as sextant:
        asked = sextant.models.retrain(kind, reason)  # type: ignore[arg-type]  # the door refuses what is none
    typer.echo(f"Training {asked.id} is {asked.state}; `sextant model trainings` shows what comes of it.")


@app.command("trainings")
def trainings() -> None:
    """List trainings that drift or feedback proposed or a person asked for."""
    with connected() as sextant:
        rows = [
            (one.id, one.kind, one.state, one.model_id or "", one.problem or "; ".join(one.reasons))
            for one in sextant.models.retrainings()
        ]
    show("Trainings", ("Id", "Kind", "State", "Model", "Why, or what went wrong"), rows)


def _told(view: "ModelView") -> None:
    share = f" for {view.share:.0%} of the assets" if view.share else ""
    typer.echo(f"{view.id} ({view.name} {view.version}) is {view.state}{share}.")


def _checks(done: "EvaluationSummary") -> None:
    if done.problem:
        typer.echo(f"It could not be evaluated: {done.problem}")
    if done.note:
        typer.echo(f"Left out: {done.note}.")
    rows = [
        (
            check.aspect, check.name, "-" if check.measured is None else f"{check.measured:.4g}",
            check.bound.replace("_", " "), f"{check.threshold:.4g}", _passed(check.passed), check.detail,
        )
        for check in done.checks
    ]  # fmt: skip
    show("Gate", ("Aspect", "Check", "Measured", "Bound", "Threshold", "Result", "Detail"), rows)


def _passed(passed: bool | None) -> str:
    return {None: "not evaluated", True: "passed", False: "refused"}[passed]
