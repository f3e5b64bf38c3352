"""Options that several verbs share, with the old scripts' spellings beside ours."""

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

if TYPE_CHECKING:
    from segdepth.networks import Network

__all__ = [
    "Accelerator",
    "Checkpoint",
    "ConfigFile",
    "Device",
    "EngineChoice",
    "Height",
    "MaybeCheckpoint",
    "MaybeConfigFile",
    "ModelName",
    "NetworkOptions",
    "Overrides",
    "Processes",
    "RunsFolder",
    "TaskName",
    "Width",
    "spread",
]

_CONFIG = typer.Option("--config", "-c", help="YAML configuration.", show_default=False)
ConfigFile = Annotated[Path, _CONFIG]
MaybeConfigFile = Annotated[Path | None, _CONFIG]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Values over those of the file, such as training.optimizer.lr=3e-4.", metavar="[KEY=VALUE]...",
                   show_default=False),
]  # fmt: skip
_CHECKPOINT = typer.Option("--checkpoint", "--model_path", help="Run folder or checkpoint file.", show_default=False)
Checkpoint = Annotated[Path, _CHECKPOINT]
MaybeCheckpoint = Annotated[Path | None, _CHECKPOINT]
Processes = Annotated[
    int | None,
    typer.Option("--num-threads", min=1, help="Processes; by default one for each core.", show_default=False),
]
RunsFolder = Annotated[Path, typer.Option("--runs", help="Folder of all runs.")]
#: The saliency engines, named here because the table of them needs torch.
EngineChoice = Literal["auto", "sparse", "windowed", "batched", "reference"]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
#: Of a training, which chooses among several of a kind itself.
Accelerator = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, mps.")]
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
    typer.Option("--height", "--img_height", help="Network size; checked against the checkpoint.", show_default=False),
]
Width = Annotated[
    int | None,
    typer.Option("--width", "--img_width", help="Network size; checked against the checkpoint.", show_default=False),
]


@dataclass(frozen=True)
class NetworkOptions:
    """What a user says of a checkpoint's network, and where it is to work."""

    model_name: ModelName = None
    task: TaskName = None
    height: Height = None
    width: Width = None
    device: Device = "auto"

    def load(self, checkpoint: Path) -> "Network":
        """The network, on the device.

        Raises:
            CheckpointError: if the checkpoint is another network, task or size than said.
            InputError: if there is no such device on this machine.
        """
        from .loading import load_checked

        return load_checked(
            checkpoint, self.device, model_name=self.model_name, task=self.task, height=self.height, width=self.width
        )


def spread(without: Collection[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that it takes together.

    A parameter whose type is a dataclass stands for one option for each field; the command is handed the object that is filled
    with them.

    Args:
        without: fields that this command has no option for; they keep their default.
    """

    def given_its_options(command: Callable[..., None]) -> Callable[..., None]:
        types = get_type_hints(command, include_extras=True)
        parameters: list[Parameter] = []
        groups: dict[str, tuple[type, list[str]]] = {}
        for parameter in inspect.signature(command).parameters.values():
            declared = types[parameter.name]
            if is_dataclass(declared) and isinstance(declared, type):
                own = _options_of(declared, without)
                groups[parameter.name] = declared, [option.name for option in own]
                parameters += own
            else:
                parameters.append(parameter.replace(annotation=declared, kind=Parameter.KEYWORD_ONLY))

        @functools.wraps(command)
        def filled(**values: Any) -> None:
            objects = {
                name: group(**{option: values.pop(option) for option in names})
                for name, (group, names) in groups.items()
            }
            command(**values, **objects)

        filled.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        filled.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return filled

    return given_its_options


def _options_of(group: type, without: Collection[str]) -> list[Parameter]:
    types = get_type_hints(group, include_extras=True)
    return [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.default is MISSING else field.default,
            annotation=types[field.name],
        )
        for field in fields(group)
        if field.name not in without
    ]
