"""The null model that is made of a network: the same one with the weights that it would have had before training."""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.core.words import first_of
from segdepth.networks import GuestNetwork, Network, build_network, is_address, is_named

__all__ = ["random_network"]

#: What modules call the method that draws their weights anew; the second is of torch's attention.
_RESETS = ("reset_parameters", "_reset_parameters")

#: Parameters that are named in a message.
_NAMED = 3


def random_network(net: Network, seed: int) -> Network:
    """The same network with the weights that it would have had before training.

    Networks are built again as their cards say. One that cannot be (a module that was wrapped), or whose maker gives it weights
    that are not drawn by chance, is copied, and each of its modules draws its weights anew.

    Args:
        net: whose own code, where it has any, is running already.
        seed: of the weights.

    Raises:
        InputError: if neither is possible.
    """
    fresh = _built(net, seed) if _can_be_built(net) else None
    if fresh is None:
        fresh = _drawn_anew(net, seed)
    return fresh.to(net.preprocessing.scale.device).eval()


def _can_be_built(net: Network) -> bool:
    """Code that a card names is run only where the network itself was made by it."""
    built = not (isinstance(net, GuestNetwork) and net.stands_in)
    return is_named(net.card.arch) or (is_address(net.card.arch) and built)


def _built(net: Network, seed: int) -> Network | None:
    """The network that its card describes; None if its maker gives it weights that do not depend on chance."""
    card = net.card.model_copy(update={"scores": {}, "protocol": {}, "provenance": None})

    def made(seed: int) -> Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return build_network(card, allow=[card.arch])

    fresh = made(seed)
    if card.guest is None:
        return fresh
    other = dict(made(seed + 1).named_parameters())
    learned = [(name, weight) for name, weight in fresh.named_parameters() if weight.requires_grad and _varies(weight)]
    by_chance = bool(learned) and all(not torch.equal(weight, other[name]) for name, weight in learned)
    return fresh if by_chance else None


def _varies(weight: Tensor) -> bool:
    """Whether not all of its numbers are one: scales and shifts start at 1 and 0 in any network."""
    return weight.numel() > 1 and bool((weight != weight.flatten()[0]).any())


def _drawn_anew(net: Network, seed: int) -> Network:
    fresh = copy.deepcopy(net)
    lost = [name for name, _ in fresh.named_parameters() if name not in set(_covered(fresh))]
    if lost:
        raise InputError(
            f"{net.card.arch} cannot be given random weights: no module that they belong to can draw "
            f"{first_of(lost, _NAMED)} anew (reset_parameters); segdepth.register({net.card.arch!r}, build), whose build loads "
            "no weights, lets it be built again"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in fresh.modules():
            for reset in _resets_of(module):
                reset()
    return fresh


def _resets_of(module: nn.Module) -> list[Callable[[], None]]:
    return [method for name in _RESETS if callable(method := getattr(module, name, None))][:1]


def _covered(net: nn.Module) -> Iterator[str]:
    """The names of the parameters that some module draws anew; of tied ones the first, as named_parameters has it."""
    drawn = {
        id(weight) for module in net.modules() if _resets_of(module) for weight in module.parameters(recurse=False)
    }
    return (name for name, weight in net.named_parameters() if id(weight) in drawn)
