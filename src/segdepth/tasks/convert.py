"""The ancestor's networks and torchvision's backbones as networks of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from segdepth.core.errors import CheckpointError
from segdepth.core.provenance import provenance
from segdepth.core.tables import pick
from segdepth.data.labels import CITYSCAPES
from segdepth.networks import (
    NETWORKS,
    AncestorNetwork,
    Classes,
    Network,
    load_backbone_state,
    load_reference_state,
    read_state,
    recognise_ancestor,
    recognise_backbone,
    resembled_backbone,
    resolve_arch,
)

from .build import TASKS, create_network

__all__ = ["Conversion", "convert_checkpoint", "convert_state"]


@dataclass(frozen=True)
class Conversion:
    """A network made from others' weights, and where each tensor went.

    Attributes:
        net: in eval mode, with its card.
        source: what was recognised, for people.
        used: their name -> ours.
        unused: their tensors that have no place in ours.
        untouched: our tensors that the file does not fill; a backbone leaves the rest of its network at its start.
    """

    net: Network
    source: str
    used: dict[str, str]
    unused: tuple[str, ...]
    untouched: tuple[str, ...]


def convert_checkpoint(
    path: Path,
    *,
    arch: str | None = None,
    task: str | None = None,
    model_type: str | None = None,
    input_size: tuple[int, int] | None = None,
) -> Conversion:
    """Read a state dict, with or without what training programs put around it, and make a network of it.

    Args:
        path: a pickled torch file of any version, or safetensors; nothing in it is executed.
        arch: checked against what is recognised. For a backbone's weights: which network gets them.
        task: checked against what is recognised. A backbone's weights have none, so it must be said.
        model_type: checked against what is recognised (FRRN's A or B).
        input_size: rows and columns that it was trained at, which no file of theirs says.

    Raises:
        CheckpointError: if the file cannot be read safely, is nobody's that we know, or is not what was said.
    """
    try:
        conversion = convert_state(read_state(path), arch=arch, task=task, model_type=model_type)
    except CheckpointError as error:
        text = str(error)
        raise CheckpointError(text if str(path) in text else f"{str(path)!r}: {text}") from None
    update = {"input_size": input_size, "provenance": provenance() | {"converted_from": path.name}}
    conversion.net.card = conversion.net.card.model_copy(update=update)
    return conversion


def convert_state(
    state: Mapping[str, Tensor], *, arch: str | None = None, task: str | None = None, model_type: str | None = None
) -> Conversion:
    """A network from the tensors of the ancestor or of torchvision, recognised by their names and shapes.

    Args:
        state: names, with or without ``module.`` prefixes, and tensors.
        arch: see :func:`convert_checkpoint`.
        task: see :func:`convert_checkpoint`.
        model_type: see :func:`convert_checkpoint`.

    Raises:
        CheckpointError: if the tensors are nobody's that we know, are incomplete, or are not what was said.
        ConfigError: if ``arch`` or ``task`` is unknown.
    """
    said = _Said.check(arch, task, model_type)
    ancestor = recognise_ancestor(state)
    if ancestor is not None:
        return _from_ancestor(ancestor, state, said)
    backbone = recognise_backbone(state)
    if backbone is not None:
        return _from_backbone(backbone, state, said)
    looks = resembled_backbone(state)
    if looks is not None:
        raise CheckpointError(
            f"these look like torchvision's {looks}, which no network here is built on; of its classifiers only VGG-16, "
            "VGG-16-BN, ResNet-50 and ResNet-101 are backbones"
        )
    raise CheckpointError(
        "these tensors are neither those of a network of the ancestor nor of torchvision's VGG-16, VGG-16-BN, ResNet-50 or "
        f"ResNet-101 (the first of {len(state)} is {next(iter(state), None)!r})"
    )


@dataclass(frozen=True)
class _Said:
    """What the user said about the file."""

    arch: str | None
    options: dict[str, Any]
    task: str | None

    @classmethod
    def check(cls, arch: str | None, task: str | None, model_type: str | None) -> "_Said":
        name, options = (None, {}) if arch is None else resolve_arch(arch)
        if task is not None:
            pick(TASKS, task, kind="task")
        return cls(name, options | ({} if model_type is None else {"model_type": model_type}), task)


def _from_ancestor(found: AncestorNetwork, state: Mapping[str, Tensor], said: _Said) -> Conversion:
    task = next(name for name, record in TASKS.items() if record.output == found.output)
    variant = found.options.get("model_type", "")
    source = f"the ancestor's {found.arch} {variant}".strip() + f" for {task}"
    for flag, given, is_ in (
        ("arch", said.arch, found.arch),
        ("task", said.task, task),
        *((key, value, found.options.get(key)) for key, value in said.options.items()),
    ):
        if given is not None and given != is_:
            raise CheckpointError(f"{flag} is said to be {given!r}, but these are tensors of {source}")
    net = create_network(found.arch, task, num_classes=max(found.out_channels, 2), **found.options)
    load_reference_state(net, {name: state[name] for name in found.names})
    if found.output == "logits" and found.out_channels == len(CITYSCAPES):  # the only 19 classes that it knows
        classes = Classes(names=CITYSCAPES.names, colours=CITYSCAPES.colours, label_ids=CITYSCAPES.label_ids)
        net.card = net.card.model_copy(update={"classes": classes})
    return Conversion(
        net=net.eval(),
        source=source,
        used=found.names,
        unused=tuple(sorted(set(state) - set(found.names))),
        untouched=(),
    )


def _from_backbone(backbone: str, state: Mapping[str, Tensor], said: _Said) -> Conversion:
    arch = said.arch or next(name for name, network in NETWORKS.items() if network.backbone == backbone)
    if said.task is None:
        raise CheckpointError(
            f"these are torchvision's {backbone} weights, which have no task: say which one "
            f"({' or '.join(TASKS)}) {arch} is to learn with them"
        )
    net = create_network(arch, said.task, **said.options)
    used = load_backbone_state(net, state)
    return Conversion(
        net=net.eval(),
        source=f"torchvision's {backbone}, the backbone of {arch} for {said.task}",
        used=used,
        unused=tuple(sorted(set(state) - set(used))),
        untouched=tuple(name for name in net.state_dict() if name not in set(used.values())),
    )
