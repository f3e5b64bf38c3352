"""Write docs/reference/*.md from the code (tables of variants with their options, every command's help) and docs/benchmarks.md.

``python docs/generate.py`` writes; ``--check`` says which file is out of date and exits with 1.
"""

import contextlib
import inspect
import io
import json
import os
import pkgutil
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import Parameter
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin

os.environ["COLUMNS"] = "100"
os.environ["NO_COLOR"] = "1"
os.environ["TERM"] = "dumb"

from benchmark_tables import benchmarks

import segdepth
from segdepth.cli import main
from segdepth.cli.app import COMMANDS, GROUPS
from segdepth.config.options import options_model
from segdepth.core.tables import signature_options
from segdepth.data import DATASETS
from segdepth.data.transforms import AUGMENTATIONS
from segdepth.kinds import KINDS
from segdepth.losses import losses_for
from segdepth.networks import ALIASES, NETWORKS, OUTPUTS, PREPROCESSINGS, network_options
from segdepth.optim import OPTIMIZERS, SCHEDULES

DOCS = Path(__file__).parent
OUTCOMES = DOCS.parent / "tests" / "gallery" / "outcomes.json"
NOTE = "<!-- Written by docs/generate.py from the code; `make docs` renews it. -->\n"


def first_line(documented: Any) -> str:
    """The first sentence of a docstring, on one line."""
    return " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())


def listed(options: Mapping[str, Parameter]) -> str:
    """A variant's options with their defaults."""
    fields = options_model("options", options).model_fields
    return ", ".join(
        f"`{name}` ({'required' if field.is_required() else field.default!r})" for name, field in fields.items()
    )


def options(variant: Any) -> str:
    """The options of a function or class, with their defaults."""
    return listed(signature_options(variant))


def table(rows: Mapping[str, Sequence[str]], *columns: str) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(("name", *columns)) + " |", "| --- " * (len(columns) + 1) + "|"]
    lines += [
        f"| `{name}` | " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for name, row in rows.items()
    ]
    return "\n".join(lines) + "\n"


def variants() -> str:
    """The page of all tables."""
    parts = [NOTE, "# What a configuration can name\n"]
    networks = {n: (first_line(c), c.backbone or "none", listed(network_options(n))) for n, c in NETWORKS.items()}
    parts += ["## `model.arch`\n", table(networks, "what", "ImageNet weights", "options (default)")]
    if ALIASES:
        aliases = (f"`{alias}` = `{name}` {preset or ''}".strip() for alias, (name, preset) in ALIASES.items())
        parts += ["Aliases: " + ", ".join(aliases) + "\n"]
    ranges = {n: (p.order, str(list(p.mean)), str(list(p.std))) for n, p in PREPROCESSINGS.items()}
    parts += ["## `model.preprocessing`\n", table(ranges, "channels", "mean", "deviation (of x / 255)")]
    outputs = {name: (one.answers.name, one.answers.units[0], first_line(one)) for name, one in OUTPUTS.items()}
    parts += ["## `model.answers`\n", table(outputs, "truth", "answers", "what the network's last map is")]
    readers = {
        f"{name} ({target})": (first_line(reader), options(reader) or "-")
        for name, by_target in DATASETS.items()
        for target, reader in by_target.items()
    }
    parts += ["## `data.dataset`\n", table(readers, "what", "options (default)")]
    for target in KINDS:
        losses = losses_for(target)
        parts += [f"## `training.loss.name` for {target}\n"]
        parts += [table({n: (first_line(f), options(f)) for n, f in losses.items()}, "what", "options (default)")]
    for title, functions in (
        ("training.optimizer.name", OPTIMIZERS),
        ("training.lr_schedule.name", SCHEDULES),
    ):
        parts += [f"## `{title}`\n"]
        parts += [
            table(
                {n: (first_line(f), options(f) or "-") for n, f in functions.items()},
                "what",
                "options (default)",
            )
        ]
    parts += [
        "## `training.augmentations`\n",
        table({n: (first_line(f),) for n, f in AUGMENTATIONS.items()}, "what"),
    ]
    return "\n".join(parts)


def help_of(*words: str) -> str:
    """What a command prints for ``--help``."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        main([*words, "--help"])
    text = "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())
    return f"## `segdepth {' '.join(words)}`\n\n```text\n{text}\n```\n"


def commands() -> str:
    """The page of all commands."""
    parts = [NOTE, "# Commands\n", help_of()]
    parts += [help_of(name) for name in COMMANDS]
    for name, group in GROUPS.items():
        parts += [help_of(name)]
        parts += [help_of(name, c.name or c.callback.__name__) for c in group.registered_commands]  # type: ignore[union-attr]
    return "\n".join(parts)


#: What stands above a table of the page of networks.
ORIGINS = {
    "transformers": "transformers, from tiny configurations",
    "segmentation_models_pytorch": "segmentation_models_pytorch",
    "timm": "timm, with a head of a line or two",
    "torchvision": "torchvision",
    "traps": "Small networks with a trap, and many kinds of answers",
    "spellings": "Small networks that write the same in many ways",
}


def coverage() -> str:
    """The page of networks that are explained as given, and what becomes of each."""
    parts = [
        NOTE,
        "# Networks that are explained as given\n",
        "Each with random weights and no forward pass before, in float64, against plain autograd: equal to rounding, by every\n"
        "engine that can. The networks and the check are in tests/gallery; `make gallery` fills these tables anew.\n",
        "*Native*: how many operations the engines go back through in windows, by their own rules. *Blocks*: what autograd goes\n"
        "back through at once, between them. *Whole*: why autograd does all of it.\n",
    ]
    found = json.loads(OUTCOMES.read_text())
    for origin, title in ORIGINS.items():
        outcomes = found[origin].values()
        whole, blocks = sum(bool(one["whole"]) for one in outcomes), sum(bool(one["blocks"]) for one in outcomes)
        counts = f"{len(outcomes)} networks: {len(outcomes) - blocks - whole} all native, {blocks} with blocks, {whole} whole."
        parts += [f"## {title}\n", counts + "\n"]
        rows = {
            name: (one["answer"], str(one["native"]), "; ".join(one["blocks"]) or "-", one["whole"] or "-")
            for name, one in found[origin].items()
        }
        parts += [table(rows, "what is explained", "native", "blocks", "whole")]
    return "\n".join(parts)


def python_pages() -> dict[str, str]:
    """A page for each package and module of ours that says what is public, and one that lists them."""
    pages, rows = {}, []
    for found in sorted(pkgutil.iter_modules(segdepth.__path__), key=lambda one: one.name):
        if found.name in ("__main__", "cli"):  # the commands have a page of their own
            continue
        module = import_module(f"segdepth.{found.name}")
        if getattr(module, "__all__", None):
            pages[f"reference/python/{found.name}.md"] = python_page(module)
            rows += [f"| [`{module.__name__}`](python/{found.name}.md) | {first_line(module)} |"]
    pages["reference/python/segdepth.md"] = python_page(segdepth)
    pages["reference/python.md"] = "\n".join([
        NOTE, "# From Python\n",
        "What is public is named in a package's `__all__`, and documented here; other names may change without a word.\n",
        "| package | what |", "| --- | --- |", f"| [`segdepth`](python/segdepth.md) | {first_line(segdepth)} |", *rows, "",
        "```{toctree}\n:hidden:\n:glob:\n\npython/*\n```\n",
    ])  # fmt: skip
    return pages


def python_page(module: ModuleType) -> str:
    """The page of a package: its public names, then each with its docstring."""
    rows = (
        f"| {{py:obj}}`~{module.__name__}.{name}` | {about(getattr(module, name)).replace('|', chr(92) + '|')} |"
        for name in module.__all__
    )
    listed = "\n".join(["| name | what |", "| --- | --- |", *rows])
    entries = "\n".join(directive(f"{module.__name__}.{name}", getattr(module, name)) for name in module.__all__)
    return f"{NOTE}\n# {module.__name__}\n\n{first_line(module)}\n\n{listed}\n\n```{{eval-rst}}\n{entries}```\n"


def directive(name: str, value: Any) -> str:
    """What Sphinx makes a name's entry of."""
    if inspect.isclass(value):
        return f".. auto{'exception' if issubclass(value, Exception) else 'class'}:: {name}\n   :members:\n"
    if inspect.isroutine(value):
        return f".. autofunction:: {name}\n"
    text = about(value).replace("`", "``")
    return f".. py:{'module' if inspect.ismodule(value) else 'data'}:: {name}\n\n   {text}\n"


def about(value: Any) -> str:
    """What a public name is, in one line: the first sentence of its docstring; of a table what is in it."""
    if isinstance(value, Mapping):
        return ", ".join(f"`{key}`" for key in value)
    if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
        line = re.sub(r":\w+:`~?\.*([^`<]*)[^`]*`", r"`\1`", first_line(value))
        return line.replace("``", "`")
    if isinstance(value, tuple | frozenset | list):
        return ", ".join(f"`{one}`" for one in (sorted(value) if isinstance(value, frozenset) else value))
    return "a type" if get_origin(value) is not None else f"`{value!r}`"


if __name__ == "__main__":
    stale = []
    for file, text in {
        **python_pages(),
        "reference/variants.md": variants(),
        "reference/commands.md": commands(),
        "reference/coverage.md": coverage(),
        "benchmarks.md": benchmarks(DOCS.parent / "benchmarks", DOCS / "benchmarks"),
    }.items():
        path = DOCS / file
        if not path.exists() or path.read_text() != text:
            stale.append(file)
            if "--check" not in sys.argv:
                path.parent.mkdir(exist_ok=True, parents=True)
                path.write_text(text)
    if stale and "--check" in sys.argv:
        sys.exit(f"docs is out of date ({', '.join(stale)}): run `make docs` and commit it")
