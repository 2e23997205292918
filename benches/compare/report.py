"""Makes the table in docs/performance.md and the plot docs/performance.svg from the figures of `run.sh`.

    report.py RESULTS ABOUT DOCUMENT PLOT

A row's figure is the median of its rounds. Everything between the two markers of the document is written anew.
"""

import json
import math
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from rows import ROWS

BEGIN, END = "<!-- written by benches/compare/run.sh: begin -->", "<!-- written by benches/compare/run.sh: end -->"

NAMES = {
    "floor": "the disk alone",
    "postgresql": "PostgreSQL",
    "redis": "Redis",
    "sqlite": "SQLite",
    "ledgerd": "ledgerd",
}

GROUPS = {
    "raw": "The floor: one write, one fdatasync",
    "append": "Appending orders",
    "transfer": "Moving money between two accounts",
}


@dataclass
class Figures:
    """What the rounds gave for one row."""

    rates: list = field(default_factory=list)
    p50: list = field(default_factory=list)
    p99: list = field(default_factory=list)
    # Writes, orders or transfers of this row for each sync that the bare disk made at the same time.
    of_floor: list = field(default_factory=list)
    # In how many rounds the load generator was what limited it.
    bound: int = 0
    reason: str = ""

    @property
    def rate(self):
        return statistics.median(self.rates) if self.rates else None


def read(path):
    figures = {row.id: Figures() for row in ROWS}
    elements = {row.id: row.elements for row in ROWS}
    for line in path.read_text().splitlines():
        result = json.loads(line)
        row = figures[result["row"]]
        if "not_measured" in result:
            row.reason = result["not_measured"]
            continue
        row.rates.append(result["operations_per_second"] * elements[result["row"]])
        row.of_floor.append(row.rates[-1] / result["floor"])
        row.bound += result.get("generator_bound", False)
        row.p50.append(result["latency_ms"]["p50"])
        row.p99.append(result["latency_ms"]["p99"])
    return figures


def number(value):
    """Three digits that mean something, in groups of three."""
    if value >= 1000:
        step = 10 ** max(0, math.floor(math.log10(value)) - 2)
        return f"{round(value / step) * step:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(rate, other):
    return f"{number(rate / other)}×" if rate and other else ""


def table(figures, group):
    rows = [row for row in ROWS if row.group == group]
    what = {"raw": "Writes", "append": "Orders", "transfer": "Transfers"}[group]
    lines = [
        f"| | | clients | {what} a second | lowest to highest round | median ms | p99 ms | for each sync of the bare disk | of PostgreSQL |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        found = figures[row.id]
        cells = [NAMES[row.system], row.label, str(row.clients)]
        if found.rate is None:
            cells += ["not measured", "", "", "", "", ""]
        else:
            cells += [
                f"**{number(found.rate)}**" + (" †" if 2 * found.bound > len(found.rates) else ""),
                f"{number(min(found.rates))} to {number(max(found.rates))}",
                number(statistics.median(found.p50)),
                number(statistics.median(found.p99)),
                f"{number(statistics.median(found.of_floor))}×",
                ratio(found.rate, figures[row.beside].rate) if row.beside else "",
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def text(figures, about):
    lines = ["", "| | |", "|---|---|"]
    lines += [f"| {key} | {value.replace('|', ' ')} |" for key, value in about]
    for group, title in GROUPS.items():
        lines += ["", f"### {title}", "", *table(figures, group)]
    reasons = sorted({found.reason for found in figures.values() if found.rate is None and found.reason})
    if reasons:
        lines += ["", "Not measured: " + "; ".join(reasons) + "."]
    if any(2 * found.bound > len(found.rates) for found in figures.values() if found.rates):
        lines += ["", "†: the load generator used more of the processors than the server did."]
    return "\n".join([*lines, "", ""])


# Two sets of colours, as a page is light or dark.
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .page { fill: #ffffff; }
  .title { font-weight: 600; font-size: 15px; }
  .small, .tick { font-size: 11px; fill: #59636e; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .range { stroke: #1f2328; stroke-width: 1.5; }
  .floor { fill: #818b98; } .postgresql { fill: #4878a8; } .redis { fill: #c2554d; }
  .sqlite { fill: #b8862b; } .ledgerd { fill: #2f8f5b; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .page { fill: #0d1117; }
    .small, .tick { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .range { stroke: #f0f6fc; }
    .floor { fill: #818b98; } .postgresql { fill: #6a9fd4; } .redis { fill: #e0776f; }
    .sqlite { fill: #d6a548; } .ledgerd { fill: #4fb67d; }
  }
"""

WIDTH, LEFT, RIGHT, STEP = 960, 350, 90, 21


def plot(figures):
    """Bars on a logarithmic scale; a thin line leads from the lowest round to the highest."""
    rates = [rate for found in figures.values() for rate in found.rates]
    least = math.floor(math.log10(min(rates))) if rates else 0
    most = math.ceil(math.log10(max(rates))) if rates else 1
    most = max(most, least + 1)
    across = lambda rate: LEFT + (math.log10(rate) - least) / (most - least) * (WIDTH - LEFT - RIGHT)
    body, y = [], 62
    for group, title in GROUPS.items():
        body.append(f'<text class="title" x="16" y="{y + 4}">{escape(title)}</text>')
        y += 14
        for row in (row for row in ROWS if row.group == group):
            found, middle = figures[row.id], y + STEP / 2
            clients = f", {row.clients} clients" if row.clients > 1 else ""
            label = f"{NAMES[row.system]}: {row.label}{clients}" if row.system != "floor" else row.label
            body.append(f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>')
            if found.rate is None:
                body.append(f'<text class="small" x="{LEFT + 6}" y="{middle + 4}">not measured</text>')
            else:
                end = across(found.rate)
                body.append(
                    f'<rect class="{row.system}" x="{LEFT}" y="{y + 3}" width="{max(1, end - LEFT):.1f}"'
                    f' height="{STEP - 6}" rx="2"/>'
                )
                low, high = across(min(found.rates)), across(max(found.rates))
                body.append(f'<path class="range" d="M{low:.1f} {middle}H{high:.1f}"/>')
                body.append(f'<text x="{max(end, high) + 6:.1f}" y="{middle + 4}">{number(found.rate)}</text>')
            y += STEP
        y += 26
    bottom, grid = y - 20, []
    for power in range(least, most + 1):
        x = across(10**power)
        grid.append(f'<path class="grid" d="M{x:.1f} 52V{bottom}"/>')
        name = f"{10**power:,}" if power >= 0 else f"{10.0**power}"
        grid.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{name}</text>')
    height = bottom + 26
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' role="img" aria-label="Writes, orders and transfers a second, by system, logarithmic scale">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
        '<text class="small" x="16" y="26">Writes, orders and transfers a second, each durable when it is answered.'
        " Logarithmic. Medians; the thin line is the lowest to the highest round.</text>",
    ]
    return "\n".join([*head, *grid, *body, "</svg>", ""])


def main():
    results, about, document, picture = (Path(argument) for argument in sys.argv[1:5])
    figures = read(results)
    known = [tuple(line.split("\t", 1)) for line in about.read_text().splitlines()]
    before, rest = document.read_text().split(BEGIN)
    _, after = rest.split(END)
    document.write_text(f"{before}{BEGIN}\n{text(figures, known)}{END}{after}")
    picture.write_text(plot(figures))


if __name__ == "__main__":
    main()
