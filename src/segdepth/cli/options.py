"""Options that several verbs share, with the old scripts' spellings beside ours."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "Checkpoint",
    "ConfigFile",
    "Device",
    "EngineChoice",
    "Height",
    "ModelName",
    "Overrides",
    "TaskName",
    "Width",
]

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="YAML configuration.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Values over those of the file, such as training.optimizer.lr=3e-4.", metavar="[KEY=VALUE]...",
                   show_default=False),
]  # fmt: skip
Checkpoint = Annotated[
    Path,
    typer.Option("--checkpoint", "--model_path", help="Run folder or checkpoint file.", show_default=False),
]
#: The saliency engines, named here because the table of them needs torch.
EngineChoice = Literal["auto", "sparse", "windowed", "batched", "reference"]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
ModelName = Annotated[
    str | None,
    typer.Option("--model-name", "--model_name", help="Checked against the checkpoint, which knows its network.",
                 show_default=False),
]  # fmt: skip
TaskName = Annotated[
    str | None,
    typer.Option("--task", help="Checked against the checkpoint, which knows its task.", show_default=False),
]
Height = Annotated[
    int | None,
    typer.Option("--height", help="Network size; checked against the checkpoint.", show_default=False),
]
Width = Annotated[
    int | None,
    typer.Option("--width", help="Network size; checked against the checkpoint.", show_default=False),
]
