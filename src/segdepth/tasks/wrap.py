"""A module of somebody's own, as a network of this house."""

from collections.abc import Sequence

from pydantic import ValidationError
from torch import nn

from segdepth.core.errors import ConfigError, InputError
from segdepth.core.tables import pick
from segdepth.networks import (
    OUTPUTS,
    Card,
    Classes,
    GuestFacts,
    GuestNetwork,
    Network,
    Normalisation,
    SizeRule,
    is_address,
    is_known,
    prepared,
)
from segdepth.networks.guests import Guest, describe, encoder_of

from .build import TASKS

__all__ = ["wrap"]


def wrap(
    module: nn.Module,
    *,
    task: str = "seg",
    classes: int | Sequence[str] | None = None,
    mean: Sequence[float] = (0.485, 0.456, 0.406),
    std: Sequence[float] = (0.229, 0.224, 0.225),
    order: str = "RGB",
    scale: float = 255.0,
    output: str | int | tuple[str | int, ...] | None = None,
    answers: str | None = None,
    size: int | tuple[int, int] | None = None,
    encoder: str | None = None,
    name: str | None = None,
) -> Network:
    """A network around a module: it trains, is scored, explained, saved and shared as ours are.

    The module itself is held, not a copy: wrapped twice (because it answers two tasks, say), both networks learn what one learns;
    ``wrap(copy.deepcopy(module))`` has weights of its own. What is saved is loaded with ``segdepth.load(path, module=...)``, or
    without it where ``segdepth.register(name, build)`` was called before, and where the module is transformers' own, whose
    configuration is saved.

    Args:
        module: answers a picture ``[b, 3, h, w]`` with a map ``[b, c, h', w']`` or ``[b, h', w']``, or with a dictionary,
            dataclass or list that holds one. A map of another size is resized bilinearly to the picture's.
        task: name in the table of tasks.
        classes: of a segmentation: how many, or their names in the channels' order.
        mean: of each channel, in units of ``scale``; None of the defaults fits weights that were trained with others.
        std: of each channel, in these units.
        order: "RGB" or "BGR".
        scale: 255 where the module wants 0..1 before mean and deviation, 1 where it wants 0..255.
        output: which part of the answer is the map: its key or attribute, or its number in a list; None where that is clear.
        answers: what the map's numbers mean, a name in :data:`~segdepth.networks.OUTPUTS`; None: as the task's own networks
            answer.
        size: a number that rows and columns must be multiples of, or the only (rows, columns); None: any, or what the module's
            library is known to take.
        encoder: path of the part that ``freeze_backbone`` and ``lr_factors.backbone`` are about; None: ``encoder`` or
            ``backbone``, where the module has one.
        name: what cards call it; None: the module's class, or its address where it is transformers' own.

    Raises:
        InputError: if it is no module.
        ConfigError: if something that is said of it cannot be.

    Example:
        >>> import torch
        >>> net = wrap(nn.Conv2d(3, 2, 3, padding=1), classes=("road", "rest"))
        >>> net(torch.zeros(1, 3, 37, 50)).shape
        torch.Size([1, 2, 37, 50])
    """
    if not isinstance(module, nn.Module):
        raise InputError(f"wrap takes a torch.nn.Module; this is a {type(module).__name__}")
    record = pick(TASKS, task, kind="task")
    known = describe(module) if name is None else None
    called, own = known or (
        name or type(module).__name__,
        Guest(module, None, facts=GuestFacts(encoder=encoder_of(module))),
    )
    meaning = record.output_named(answers or own.output)
    if is_known(called):
        raise ConfigError(f"{called!r} is the name of a network of ours; give name=")
    if not called or (is_address(called) and known is None):
        raise ConfigError(f"a network cannot be called {called!r}: a name has no colon, which addresses have")
    count, names = _classes(classes)
    named = Classes.named(names) if names else None
    channels = OUTPUTS[meaning].channels or count
    if channels is None or channels < 1:
        raise ConfigError(f"task {task!r} needs classes=: how many, or their names")
    try:
        card = Card(
            arch=called,
            options=dict(own.options),
            output=meaning,
            out_channels=channels,
            preprocessing=Normalisation.model_validate({"mean": mean, "std": std, "order": order, "scale": scale}),
            task=task,
            guest=GuestFacts(
                part=output, encoder=encoder or own.facts.encoder, size=own.facts.size if size is None else _rule(size)
            ),
            classes=named,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}, but {first['input']!r} is given"
        ) from None
    return prepared(GuestNetwork(module, card), card)


def _classes(given: int | Sequence[str] | None) -> tuple[int | None, tuple[str, ...]]:
    """How many there are, and their names.

    Raises:
        ConfigError: if it is neither a number nor names.
    """
    if given is None or (isinstance(given, int) and not isinstance(given, bool)):
        return given, ()
    names = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    if not all(isinstance(name, str) for name in names) or (not names and given != []):
        raise ConfigError(f"classes={given!r}: give how many there are, or a list of their names")
    return len(names), names


def _rule(size: int | tuple[int, int]) -> SizeRule:
    return SizeRule(multiple=size) if isinstance(size, int) else SizeRule(fixed=size)
