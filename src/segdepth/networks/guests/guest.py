"""A module of somebody else, what is known of it, and the network that it becomes."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from segdepth.core.errors import ConfigError, InputError, SegdepthError, raised
from segdepth.layers.answer_parts import Found, Given, listed

from ..card import Card, GuestFacts
from ..network import Network
from ..preprocessing import PREPROCESSINGS, Normalisation

__all__ = ["PROBE", "Guest", "GuestNetwork", "Wanted", "answer_of"]

log = logging.getLogger(__name__)

#: Rows and columns of the picture that a module which takes any size is asked with, to learn something of it.
PROBE = (64, 64)


@dataclass(frozen=True)
class Wanted:
    """What a library is asked for.

    Attributes:
        name: behind the colon of the address.
        output: what the network shall answer, a name in :data:`~segdepth.networks.outputs.OUTPUTS`.
        channels: of its last map; None: as many as its library gives it.
        options: of the library's own.
        pretrained: False for weights by chance; True for the library's own; or what
            :func:`~segdepth.networks.state_files.find_weights_file` takes.
        facts: what a card knows of it; None: its library finds it out, which may take forward passes.
    """

    name: str
    output: str
    channels: int | None
    options: Mapping[str, Any] = field(default_factory=dict)
    pretrained: bool | str | Path = False
    facts: GuestFacts | None = None


@dataclass(frozen=True)
class Guest:
    """What a library gives.

    Attributes:
        module: answers a picture with a map, or with something that holds one.
        channels: of that map; None: whoever invites it counts them.
        options: with which, and without weights from anywhere, the same module is built again.
        output: what its numbers mean, where that is not what was wanted.
        preprocessing: the range that its weights want.
        facts: how it is called and answers.
        classes: their names, where its library gives them.
        remarks: sentences that its user has to read.
        assumed: such a sentence about ``output``, where its user does not say what its numbers mean.
    """

    module: nn.Module
    channels: int | None
    options: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    preprocessing: Normalisation = PREPROCESSINGS["imagenet"]
    facts: GuestFacts = field(default_factory=GuestFacts)
    classes: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()
    assumed: str = ""


class GuestNetwork(Network):
    """A network around a module of somebody else.

    Args:
        module: that answers.
        card: with ``guest``, which says how.

    Attributes:
        stands_in: whether the module was handed over, and what the card names was not built: nobody has allowed that.

    Raises:
        ConfigError: if the module has no encoder of the name that the card gives, or weights without numbers.
    """

    def __init__(self, module: nn.Module, card: Card) -> None:
        super().__init__(card.out_channels, card.output)
        self.guest = module
        self.facts = card.guest or GuestFacts()
        self.stands_in = False
        self._told = False
        self.card = card
        if self.facts.encoder is not None and not isinstance(_part(module, self.facts.encoder), nn.Module):
            raise ConfigError(f"{card.arch} has no part {self.facts.encoder!r} that could be its encoder")
        if any(map(is_lazy, module.parameters())) or any(map(is_lazy, module.buffers())):
            self._make_lazy_weights()
        if any(parameter.is_meta for parameter in module.parameters()):
            raise ConfigError(
                f"{card.arch} has weights on the device 'meta', which are no numbers: build it on the CPU"
            )

    @property
    def encoder(self) -> nn.Module | None:
        """The part that holds what was learned elsewhere; None if the card names none."""
        return None if self.facts.encoder is None else _part(self.guest, self.facts.encoder)

    def _make_lazy_weights(self) -> None:
        """A pass that gives lazy modules their shapes, which nothing could be done with."""
        rows, cols = self.facts.size.fixed or PROBE
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                self.raw(torch.zeros(1, 3, rows, cols))
        finally:
            self.train(was_training)

    def raw(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """See :meth:`Network.raw`: the module's map, brought to the picture's size without aligned corners.

        Raises:
            InputError: if the module's answer holds no such map, or it takes no pictures of this size.
        """
        fitting = self.facts.size.fit(x)
        size = fitting.shape[-2], fitting.shape[-1]
        batch = x.shape[0]  # len() would fix a traced graph's
        found = self._map(answer_of(self.guest, fitting, self.card.arch), size, batch)
        if found.shape[-2:] != size:
            found = F.interpolate(found, size, mode="bilinear", align_corners=False)
        return found[..., : x.shape[-2], : x.shape[-1]]

    def idle_parameters(self, size: tuple[int, int] = PROBE) -> list[str]:
        """See :meth:`Network.idle_parameters`: of heads that only help training, of layers behind those that are read.

        Raises:
            InputError: if the module does not answer a picture of this size.
        """
        learning = {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}
        if not learning:
            return []
        rows, cols = self.facts.size.fixed or size
        any_parameter = next(iter(learning.values()))
        was_training = self.training
        self.eval()  # no running statistics change, and nothing is drawn
        try:
            with torch.enable_grad():
                answer = self.raw(torch.zeros(1, 3, rows, cols, device=any_parameter.device))
                if not answer.requires_grad:  # torch.no_grad(), inference_mode or detach() in the forward pass
                    return list(learning)
                gradients = torch.autograd.grad(answer.sum(), list(learning.values()), allow_unused=True)
        finally:
            self.train(was_training)
        return [name for name, gradient in zip(learning, gradients, strict=True) if gradient is None]

    def _tell_of_others(self, found: Found) -> None:
        """Say once that a network which answers several maps while it learns does so for one of them."""
        if self.training and found.beside and not self._told:
            self._told = True
            log.info("%s answers several maps in training; losses are of %s, not of %s", self.card.arch,
                     found.name.strip(), listed(found.beside))  # fmt: skip

    def _map(self, answer: Any, size: tuple[int, int], batch: int) -> Float[Tensor, "b c _h _w"]:
        meant = Given(answer, self.card.arch, size, batch).part(self.facts.part).map()
        self._tell_of_others(meant)
        found = meant.value
        if found.dim() == 3:
            found = found[:, None]
        if found.dim() != 4 or found.shape[:2] != (batch, self.out_channels) or not found.is_floating_point():
            raise InputError(
                f"{self.card.arch} answers {list(found.shape)} to a batch of {batch}; for {self.card.task} it has to answer "
                f"[{batch}, {self.out_channels}, rows, columns]"
            )
        return found


def _part(module: nn.Module, path: str) -> Any:
    """A module's part by its path; None if there is none. TorchScript has no ``get_submodule``."""
    part: Any = module
    for name in path.split("."):
        part = getattr(part, name, None)
    return part


def answer_of(module: nn.Module, x: Float[Tensor, "b 3 h w"], arch: str) -> Any:
    """What somebody else's module answers.

    Args:
        module: is called.
        x: pictures of a size that it takes.
        arch: its address or name, for messages.

    Raises:
        InputError: if it raises anything, in its own words.
    """
    try:
        return module(x)
    except (SegdepthError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        if torch.compiler.is_compiling():
            raise
        mode = " in training" if module.training else ""
        raise InputError(f"{arch} does not answer pictures {list(x.shape)}{mode}: {raised(error)}") from error
