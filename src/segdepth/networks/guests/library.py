"""Other people's libraries: imported when asked for; what they do not have is one sentence."""

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar

import torch
from torch import nn

from segdepth.core.errors import CheckpointError, ConfigError, InputError, reason
from segdepth.core.tables import did_you_mean

from ..preprocessing import Normalisation
from ..sizes import SizeRule

__all__ = ["check_options", "imported", "known_name", "normalisation_from", "sizes_of", "with_their_weights"]

Made = TypeVar("Made")

#: Longer lists of names are not told, only what is close.
_LISTED = 60

#: Sizes that a network is asked with to see what it takes, rows and columns.
_ODD = ((33, 47), (65, 97))


def imported(module: str, extra: str) -> Any:
    """A library's module.

    Args:
        module: its full name.
        extra: of segdepth, that installs it.

    Raises:
        InputError: if it, or what it stands on, is not installed or broken.
    """
    library, install = module.partition(".")[0], f"pip install 'segdepth[{extra}]'"
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        under = "" if missing == library else f", which {library} needs,"
        raise InputError(
            f"networks {extra}:... need the package {missing!r}{under} and it is not installed: {install}"
        ) from None
    except Exception as error:  # torchvision beside another torch raises RuntimeError
        raise InputError(
            f"networks {extra}:... need the package {library!r}, which cannot be imported ({reason(error)}); a torchvision "
            f"that does not match torch does that: {install}"
        ) from None


def known_name(name: str, names: Collection[str], kind: str) -> str:
    """A name as its library writes it, whatever its capitals.

    Args:
        name: what the user wrote.
        names: the library's.
        kind: what they are of, for the message.

    Raises:
        ConfigError: if there is none of that name.

    Example:
        >>> known_name("unet", ["Unet", "FPN"], "network of smp")
        'Unet'
    """
    if name in names:
        return name
    lower = {known.lower(): known for known in names}
    if name.lower() in lower:
        return lower[name.lower()]
    if len(names) <= _LISTED:
        raise ConfigError(f"no {kind} named {name!r} {did_you_mean(name, names)}")
    close = [lower[found] for found in get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
    hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise ConfigError(f"no {kind} named {name!r} (there are {len(names)}){hint}")


def check_options(
    arch: str, options: Iterable[str], said_elsewhere: Mapping[str, str], known: Collection[str] | None = None
) -> None:
    """Refuse options that a network does not have, and those that are said elsewhere.

    Args:
        arch: whose options.
        options: given.
        said_elsewhere: option -> who says it, as the end of a sentence.
        known: what there is; None: only the library can tell.

    Raises:
        ConfigError: naming the first.
    """
    for key in options:
        if key in said_elsewhere:
            raise ConfigError(f"{arch} takes no option {key!r}: {said_elsewhere[key]}")
        if known is not None and key not in known:
            raise ConfigError(f"{arch} has no option {key!r} {did_you_mean(key, set(known) - said_elsewhere.keys())}")


def with_their_weights(make: Callable[[], Made], arch: str) -> Made:
    """A module with the weights of its library, or these, which it fetches.

    Raises:
        CheckpointError: if that fails.
    """
    try:
        return make()
    except Exception as error:  # whatever a download, or a name without weights, raises
        raise CheckpointError(
            f"model.pretrained: {arch} cannot be had with the weights of its library ({type(error).__name__}: "
            f"{reason(error)}); give the path of a local copy, or the name of a package that ships one, instead of true"
        ) from None


def normalisation_from(facts: Mapping[str, Any]) -> Normalisation:
    """The range that weights want, as timm and smp describe it: mean, std, input_space, input_range."""
    low_high = facts.get("input_range") or (0, 1)
    return Normalisation(
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        order="BGR" if facts.get("input_space") == "BGR" else "RGB",
        scale=1.0 if max(low_high) > 1 else 255.0,
    )


def sizes_of(module: nn.Module, stride: int, whole: tuple[int, int] | None, arch: str) -> SizeRule:
    """Which sizes a module takes, found by asking it: any; multiples of its stride, or of more; or one.

    Args:
        module: whose answer is thrown away.
        stride: by which its coarsest map is smaller than the picture.
        whole: the one size that it may be made for.
        arch: for the message.

    Raises:
        ConfigError: if it takes none of these.
    """
    rules = [SizeRule(), *(SizeRule(multiple=stride * factor) for factor in (1, 2, 4, 8))]
    sizes: list[tuple[SizeRule, tuple[tuple[int, int], ...]]] = [(rule, _ODD) for rule in rules]
    if whole is not None:
        sizes.append((SizeRule(fixed=whole), (whole,)))
    why = ""
    was_training = module.training
    module.eval()
    try:
        for rule, pictures in sizes:
            why = _refused(module, rule, pictures)
            if not why:
                return rule
    finally:
        module.train(was_training)
    raise ConfigError(f"{arch} answers no picture of any size that was tried: {why}")


def _refused(module: nn.Module, rule: SizeRule, pictures: Iterable[tuple[int, int]]) -> str:
    """Why pictures are not answered; empty if they are."""
    try:
        with torch.no_grad():
            for rows, cols in pictures:
                module(rule.fit(torch.zeros(1, 3, rows, cols)))
    except Exception as error:  # asserts, shapes that do not fit
        return reason(error)
    return ""
