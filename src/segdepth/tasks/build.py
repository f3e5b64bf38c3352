"""Networks for tasks: made new, or loaded."""

from pathlib import Path
from typing import Any

from segdepth.core.errors import ConfigError
from segdepth.core.tables import pick
from segdepth.networks import (
    OUTPUTS,
    Card,
    Network,
    Normalisation,
    Wanted,
    build_network,
    invite,
    is_guest,
    load_backbone,
    prepared,
    resolve_arch,
)
from segdepth.networks.preprocessing import normalisation_of

from .depth import DEPTH
from .normals import NORMALS
from .seg import SEG
from .task import Task

__all__ = ["TASKS", "create_network"]

TASKS: dict[str, Task] = {task.name: task for task in (SEG, DEPTH, NORMALS)}


def create_network(
    arch: str,
    task: str = "seg",
    *,
    num_classes: int | None = 19,
    legacy: bool = False,
    pretrained: bool | str | Path = False,
    preprocessing: str | Normalisation | None = None,
    answers: str | None = None,
    **options: Any,
) -> Network:
    """An untrained network for a task.

    Args:
        arch: name or alias in the table of networks ("fcn8s", "segnet", "frrnA", ...), a registered name, or the address of a
            network of another library ("smp:Unet", "hf:nvidia/segformer-b0", "python:package.module:factory", ...), whose code
            is run.
        task: name in the table of tasks.
        num_classes: of a segmentation; other outputs have the channels that they have. None: as many as the weights of
            somebody else's network have.
        legacy: exactly what the ancestor computed.
        pretrained: False; True to download ImageNet weights for the backbone; the path of a local file of them; or
            the name of an installed package that ships one.
        preprocessing: the input range, or its name; None: ImageNet's, the ancestor's where ``legacy``, or what the other
            library says.
        answers: what the last map's numbers mean, one of the task's :attr:`~segdepth.tasks.Task.outputs`; None: what the other
            library says, or as the task's own networks answer.
        **options: the network's own.

    Raises:
        ConfigError: if the network, the task, what it answers, an option or the preprocessing is unknown.
        CheckpointError: if the backbone weights cannot be had or do not fit.

    Example:
        >>> import torch
        >>> net = create_network("segnet", task="depth", width=0.125)
        >>> net(torch.zeros(1, 3, 37, 50)).shape
        torch.Size([1, 1, 37, 50])
    """
    record = pick(TASKS, task, kind="task")
    if num_classes is not None and num_classes < 2:
        raise ConfigError(f"num_classes is {num_classes}; a segmentation needs at least 2")
    if legacy and record.legacy_preprocessing is None:
        raise ConfigError(f"the ancestor has no networks for task {task!r}; leave legacy out")
    output = record.output_named(answers)
    channels = OUTPUTS[output].channels or num_classes
    given = None if preprocessing is None else normalisation_of(preprocessing)
    if is_guest(arch):
        if legacy:
            raise ConfigError(f"the ancestor had no {arch}; leave legacy out")
        wanted = Wanted(arch.partition(":")[2] or arch, output, channels, options, pretrained)
        guest = invite(arch, wanted, task=task, preprocessing=given, answers=answers)
        return prepared(guest, guest.card)
    if channels is None:
        raise ConfigError(f"{arch} needs its number of classes: num_classes")
    name, implied = resolve_arch(arch)
    card = Card(
        arch=name,
        options=implied | options | ({"legacy": True} if legacy else {}),
        output=output,
        out_channels=channels,
        preprocessing=given or normalisation_of((legacy and record.legacy_preprocessing) or "imagenet"),
        task=task,
    )
    net = build_network(card)
    load_backbone(net, pretrained)
    return net
