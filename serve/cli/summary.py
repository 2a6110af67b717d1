"""What came of a workflow: gathered over HTTP, shown as tables."""

from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from actors.classification.contract import ClassSummary
from actors.compliance.contract import RecommendationView
from actors.orchestrator.contract import WorkflowView
from serve.cli.progress import describe, seconds_of
from serve.client import Sextant

TOP = 5
VERDICTS = ("FAIL", "PASS", "INSUFFICIENT_EVIDENCE", "NOT_APPLICABLE")


@dataclass(frozen=True)
class Outcome:
    """The figures of one source after a workflow."""

    workflow: WorkflowView
    assets: int
    columns: int
    rows: int
    classes: list[ClassSummary]
    verdicts: dict[str, dict[str, int]]
    recommendations: list[RecommendationView]


def gather(sextant: Sextant, workflow: WorkflowView) -> Outcome:
    """Reads what the catalog, the labels and the controls say of the workflow's source now."""
    assets = [asset for asset in sextant.assets(source_id=workflow.source_id) if asset.status != "gone"]
    return Outcome(
        workflow=workflow,
        assets=len(assets),
        columns=sum(asset.columns for asset in assets),
        rows=sum(asset.rows or 0 for asset in assets),
        classes=[found for found in sextant.class_summary(workflow.source_id) if found.columns],
        verdicts=sextant.verdicts(workflow.source_id),
        recommendations=sextant.recommendations(workflow.source_id)[:TOP],
    )


def render(console: Console, outcome: Outcome) -> None:
    """Prints the tables."""
    workflow = outcome.workflow
    sensitive = sum(found.columns for found in outcome.classes)
    console.print()
    console.print(
        f"Workflow {workflow.id} {workflow.state}: {outcome.assets} tables and files, {outcome.columns} columns, "
        f"{outcome.rows:,} rows, {sensitive} columns with a class.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if outcome.classes:
        _print_classes(console, outcome.classes)
    if outcome.verdicts:
        _print_verdicts(console, outcome.verdicts)
    if outcome.recommendations:
        _print_recommendations(console, outcome.recommendations)
    _print_phases(console, workflow)


def _print_classes(console: Console, classes: list[ClassSummary]) -> None:
    table = Table("Class", "Sensitivity", title="Columns by class", title_justify="left")
    for heading in ("Columns", "Assets", "To review"):
        table.add_column(heading, justify="right")
    for found in sorted(classes, key=lambda one: (-one.columns, one.data_class)):
        figures = (str(found.columns), str(found.assets), str(found.review))
        table.add_row(escape(found.data_class), found.sensitivity, *figures)
    console.print(table)


def _print_verdicts(console: Console, verdicts: dict[str, dict[str, int]]) -> None:
    table = Table("Framework", title="Findings by framework", title_justify="left")
    for verdict in VERDICTS:
        table.add_column(verdict.replace("_", " ").capitalize(), justify="right")
    for framework in sorted(verdicts):
        table.add_row(escape(framework), *(str(verdicts[framework].get(verdict, 0)) for verdict in VERDICTS))
    console.print(table)


def _print_recommendations(console: Console, found: list[RecommendationView]) -> None:
    table = Table("#", "What to do", "Why", "Effort", title="Recommendations", title_justify="left")
    table.add_column("Risk removed", justify="right")
    for one in found:
        table.add_row(str(one.rank), escape(one.title), escape(one.why), one.effort, f"{one.risk_removed:g}")
    console.print(table)


def _print_phases(console: Console, workflow: WorkflowView) -> None:
    table = Table("Phase", "State", title="Phases", title_justify="left")
    table.add_column("Seconds", justify="right")
    table.add_column("Figures")
    for phase in workflow.phases:
        seconds = seconds_of(phase)
        spent = "" if seconds is None else f"{seconds:.1f}"
        table.add_row(f"{phase.number} {phase.name}", phase.state, spent, escape(describe(phase)))
    console.print(table)
