"""The page docs/benchmarks.md, from CSV files that benchmarks/*.py wrote and docs/benchmarks keeps.

A benchmark is a script that can be run; its docstring says what it measures and what the columns are. Its files are ``name.csv``
and ``name-anything.csv``; columns at their end say how they came about (see ``benchmarks/machine.py``). Seconds are columns
"... s", ratios columns "a/b".
"""

import ast
import csv
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

__all__ = ["benchmarks"]

#: Columns that say how a file came about.
ABOUT = ("machine", "torch", "python", "date", "command")


def benchmarks(scripts: Path, kept: Path) -> str:
    """The page.

    Args:
        scripts: the folder of the benchmarks.
        kept: the folder of CSV files.
    """
    found = {path.stem: path.read_text() for path in sorted(scripts.glob("*.py"))}
    parts = [
        "<!-- Written by docs/generate.py from docs/benchmarks/*.csv; `make docs` renews it. -->\n",
        "# Benchmarks\n",
        "Made of the CSV files in docs/benchmarks. Above each table stands the command that measures it anew, and where it was\n"
        "measured. `make bench-quick` runs all of them in a small form and writes to runs/benchmarks; `make bench-keep` brings\n"
        "what lies there to this page. Where a ratio is above 1, what stands behind the stroke is the faster one; below ratios\n"
        "stands their geometric mean.\n",
    ]
    for name, source in found.items():
        if '__name__ == "__main__"' in source:
            files = [*kept.glob(f"{name}.csv"), *sorted(kept.glob(f"{name}-*.csv"))]
            parts += [f"## {name}\n", _purpose(source) + "\n"]
            parts += [_measured(path) for path in files] or [f"Not measured yet: `python benchmarks/{name}.py`\n"]
    return "\n".join(parts)


def _purpose(source: str) -> str:
    """A script's docstring, in Markdown, without the commands that stand indented in it."""
    text = ast.get_docstring(ast.parse(source)) or ""
    return "\n\n".join(part for part in text.split("\n\n") if not part.startswith("    ")).replace("``", "`")


def _measured(path: Path) -> str:
    """A file's origin and table."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    machine, torch, python, date, command = (", ".join(sorted({row[name] for row in rows})) for name in ABOUT)
    columns = [_column(name, [row[name] for row in rows]) for name in rows[0] if name not in ABOUT]
    heads, rules, *lines = zip(*columns, strict=True)
    if len(rows) == 1 or not any(lines[-1]):
        lines.pop()
    table = "\n".join(f"| {' | '.join(line)} |" for line in (heads, rules, *lines))
    return f"`{command}`, {date}, on {machine}; PyTorch {torch}, Python {python}.\n\n{table}\n"


def _column(name: str, values: Sequence[str]) -> list[str]:
    """Heading, alignment and cells; the last one is the geometric mean of ratios, and empty below all else."""
    try:
        numbers = [float(value) if value else None for value in values]
    except ValueError:
        return [name, "---", *(value.replace("|", "\\|") or "-" for value in values), ""]
    given = [number for number in numbers if number is not None]
    unit = 1.0
    if name.endswith(" s") and max(given, default=1) < 1:
        name, unit = name.removesuffix("s") + "ms", 1e3
    mean = f"**{_rounded(statistics.geometric_mean(given))}**" if "/" in name and min(given, default=0) > 0 else ""
    return [name, "---:", *("-" if n is None else _rounded(unit * n) for n in numbers), mean]


def _rounded(number: float) -> str:
    """Three digits, or all that stand before the point; an exponent where that would be long."""
    if number.is_integer() and abs(number) < 1e6:
        return f"{number:,.0f}"
    magnitude = math.floor(math.log10(abs(number)))
    return f"{number:,.{max(0, 2 - magnitude)}f}" if -3 <= magnitude < 6 else f"{number:.0e}"
