"""The reliability plot as SVG: how sure the product was, against how often it was right."""

from collections.abc import Sequence

from tests.accuracy.measures import Bin

SIZE, EDGE = 360, 44


def reliability_plot(rows: Sequence[Bin]) -> str:
    """A drawing without colours of its own, so that it reads on light and dark pages; circles grow with the labels."""
    most = max((row.count for row in rows), default=1)
    dots = [
        f'<circle cx="{_x(row.confidence):.1f}" cy="{_y(row.right):.1f}" r="{3 + 9 * (row.count / most) ** 0.5:.1f}" '
        f'fill="#3b76b8" fill-opacity="0.65"><title>{row.count} labels, confidence {row.confidence:.3f}, '
        f"right {row.right:.3f}</title></circle>"
        for row in rows
    ]
    path = " ".join(f"{_x(row.confidence):.1f},{_y(row.right):.1f}" for row in rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}" '
        'role="img" aria-label="Reliability plot" font-family="sans-serif" font-size="11">',
        f'<rect width="{SIZE}" height="{SIZE}" fill="#ffffff"/>',
        *(_grid(step / 5) for step in range(6)),
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#999999" stroke-dasharray="4 4"/>',
        f'<polyline points="{path}" fill="none" stroke="#3b76b8"/>',
        *dots,
        f'<text x="{SIZE / 2}" y="{SIZE - 6}" text-anchor="middle">confidence that was told</text>',
        f'<text x="12" y="{SIZE / 2}" text-anchor="middle" transform="rotate(-90 12 {SIZE / 2})">share right</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _grid(at: float) -> str:
    return (
        f'<line x1="{_x(at):.1f}" y1="{_y(0):.1f}" x2="{_x(at):.1f}" y2="{_y(1):.1f}" stroke="#e5e5e5"/>'
        f'<line x1="{_x(0):.1f}" y1="{_y(at):.1f}" x2="{_x(1):.1f}" y2="{_y(at):.1f}" stroke="#e5e5e5"/>'
        f'<text x="{_x(at):.1f}" y="{_y(0) + 14:.1f}" text-anchor="middle">{at:.1f}</text>'
        f'<text x="{_x(0) - 6:.1f}" y="{_y(at) + 4:.1f}" text-anchor="end">{at:.1f}</text>'
    )


def _x(share: float) -> float:
    return EDGE + share * (SIZE - EDGE - 14)


def _y(share: float) -> float:
    return SIZE - EDGE - share * (SIZE - EDGE - 14)
