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
    from segdepth.data import Dataset
    from segdepth.executing import Place
    from segdepth.networks import Network
    from segdepth.tasks import Origin

__all__ = [
    "CHECKPOINT_HELP",
    "NETWORK",
    "Accelerator",
    "AllowCode",
    "Checkpoint",
    "ConfigFile",
    "CoresEach",
    "Device",
    "EngineChoice",
    "Height",
    "MaybeCheckpoint",
    "MaybeConfigFile",
    "ModelName",
    "NetworkOptions",
    "On",
    "Overrides",
    "Processes",
    "RunsFolder",
    "TaskName",
    "Width",
    "gpus_for",
    "place_of",
    "spread",
]

_CONFIG = typer.Option(
    "--config", "-c", metavar="FILE|NAME", show_default=False,
    help="YAML configuration, or the name of one that comes with segdepth: segnet_synthetic_depth.",
)  # fmt: skip
ConfigFile = Annotated[Path, _CONFIG]
MaybeConfigFile = Annotated[Path | None, _CONFIG]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Values over those of the file, such as training.optimizer.lr=3e-4.", metavar="[KEY=VALUE]...",
                   show_default=False),
]  # fmt: skip
#: What a network is named by.
CHECKPOINT_HELP = (
    "Run folder or checkpoint file; owner/name on the hub; or the address of another library's network, with its options"
    " behind commas: smp:Unet,encoder_name=resnet34."
)
NETWORK = "PATH|ADDRESS"
_CHECKPOINT = typer.Option("--checkpoint", "--model_path", metavar=NETWORK, help=CHECKPOINT_HELP, show_default=False)
Checkpoint = Annotated[str, _CHECKPOINT]
MaybeCheckpoint = Annotated[str | None, _CHECKPOINT]
AllowCode = Annotated[
    list[str] | None,
    typer.Option("--allow-code", metavar="python:MODULE:FACTORY", show_default=False,
                 help="Run this code, which a checkpoint says that its network is made by; may be given again."),
]  # fmt: skip
Processes = Annotated[
    int | None,
    typer.Option("--num-threads", min=1, help="Processes; by default one for each core.", show_default=False),
]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="PLACE", show_default=False, rich_help_panel="Work",
                 help="Workers that take the next task when they are free: local or local:N (processes of this machine),"
                      " ray (a Ray cluster on this machine), ray:auto or ray:ADDRESS (one that runs)."),
]  # fmt: skip
CoresEach = Annotated[
    int, typer.Option("--cores-each", min=1, help="Cores of each worker on a Ray cluster.", rich_help_panel="Work")
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
    typer.Option(
        "--task",
        help="Of an address: what it answers. Checked against a checkpoint, which knows it.",
        show_default=False,
    ),
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
    allow_code: AllowCode = None

    def load(
        self, origin: "Origin", *, likely: str | None = None, data: "Callable[[str], Dataset | None]" = lambda _: None
    ) -> "Network":
        """The network, on the device.

        Args:
            origin: of the network.
            likely: the task of a network without a card, where no flag says it.
            data: gives, for a task, what the network will be asked about.

        Raises:
            CheckpointError: if the checkpoint is another network, task or size than said, or names code that is not allowed.
            InputError: if there is no such device on this machine.
            SegdepthError: if there is no such network.
        """
        from .loading import load_checked

        return load_checked(
            origin, self.device, allow=self.allow_code, model_name=self.model_name, task=self.task, likely=likely,
            height=self.height, width=self.width, data=data,
        )  # fmt: skip


def place_of(on: str | None, cores: int) -> "Place":
    """Where work is done.

    Args:
        on: as the user named it; None: in this process.
        cores: of each worker on a cluster.

    Raises:
        InputError: if there is no such place, or ``torchrun`` has shared out the work already.
    """
    from segdepth.core.errors import InputError
    from segdepth.core.group import world_size
    from segdepth.executing import Here, parse_place

    if on is None:
        return Here()
    if world_size() > 1:
        raise InputError("--on hands out the work of one command; torchrun shares it out already: give one of the two")
    return parse_place(on, cores)


def gpus_for(device: str) -> int:
    """GPUs of this machine that workers on it can have, by what the user says of the device."""
    if device not in ("auto", "cuda"):
        return 0
    import torch

    return torch.cuda.device_count()


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
