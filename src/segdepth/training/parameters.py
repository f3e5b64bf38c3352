"""Which parameters learn, in which groups, and the base rates of these."""

import logging
from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from segdepth.config import Config, LrFactors
from segdepth.core.errors import ConfigError
from segdepth.networks import Network

__all__ = ["base_rates", "freeze", "leave_idle", "parameter_groups", "training_mode", "warn_of_untrained_statistics"]

log = logging.getLogger(__name__)


def freeze(net: Network, *, backbone: bool, batch_norm: bool) -> list[nn.Module]:
    """Keep parts of a network as they are.

    Args:
        net: whose parameters stop to require gradients.
        backbone: everything that ImageNet weights fill, its running statistics included.
        batch_norm: every batch norm: its affine parameters and its running statistics. With two to four pictures in a batch
            it is the statistics that do the harm, so it would be no use to freeze one without the other.

    Returns:
        The modules that must stay in evaluation mode; see :func:`training_mode`.

    Raises:
        ConfigError: if ``backbone`` is asked of a network that has none.
    """
    frozen = [_backbone(net, "training.freeze_backbone")] if backbone else []
    if batch_norm:
        frozen += [module for module in net.modules() if isinstance(module, _BatchNorm)]
    for module in frozen:
        module.requires_grad_(False)
    if frozen:
        learning = sum(p.numel() for p in net.parameters() if p.requires_grad)
        log.info("%.1f million parameters learn, the others are frozen", learning / 1e6)
    return frozen


def leave_idle(net: Network, size: tuple[int, int]) -> None:
    """Let parameters that have no part in the answer stay as they are: no decay, and no process waits for their gradients.

    Args:
        net: whose parameters stop to require gradients.
        size: rows and columns of the pictures that it learns from.
    """
    idle = net.idle_parameters(size)
    for name in idle:
        net.get_parameter(name).requires_grad_(False)
    if idle:
        modules = dict.fromkeys(name.removeprefix("guest.").split(".")[0] for name in idle)
        count = sum(net.get_parameter(name).numel() for name in idle)
        log.info("%d parameters of %s have no part in its answer and do not learn (in %s)",
                 count, net.card.arch, ", ".join(modules))  # fmt: skip


def warn_of_untrained_statistics(config: Config) -> None:
    """Say so if batch norm is to stay as it is in a network that starts from chance."""
    if config.training.init_from is None and config.model.pretrained is False:
        log.warning(
            "training.freeze_batch_norm keeps running statistics that nothing was learned with (means 0, variances 1): no "
            "weights are loaded; give model.pretrained or training.init_from, or leave it out"
        )


def training_mode(net: nn.Module, frozen: Iterable[nn.Module]) -> None:
    """Training mode for all but the frozen modules: no dropout there, and no new running statistics."""
    net.train()
    for module in frozen:
        module.eval()


def base_rates(lr: float, factors: LrFactors) -> list[float]:
    """Before a schedule: the rate of backbone and of head, or one where they are the same.

    Args:
        lr: the configured rate.
        factors: by which the parts' rates differ from it.
    """
    return [lr * factor for factor in dict.fromkeys((factors.backbone, factors.head))]


def parameter_groups(net: Network, factors: LrFactors) -> list[dict[str, Any]]:
    """The parameters that learn, in groups for an optimizer, one for each of the :func:`base_rates`.

    Args:
        net: frozen parameters of it are left out.
        factors: by which the parts' rates differ from the configured one.

    Raises:
        ConfigError: if there is a factor for the backbone of a network that has none, or of a frozen one; or nothing learns.
    """
    learning = [p for p in net.parameters() if p.requires_grad]
    if not learning:
        raise ConfigError(
            f"nothing of {net.card.arch} learns: it has no parameters, they are frozen, or no gradient comes from its answer to "
            "them (torch.no_grad(), inference_mode or detach() in its forward pass)"
        )
    if factors.backbone == factors.head:
        return [{"params": learning}]
    key = "training.lr_factors.backbone"
    of_backbone = {id(p) for p in _backbone(net, key).parameters()}
    backbone = [p for p in learning if id(p) in of_backbone]
    if not backbone:
        raise ConfigError(
            f"{key} is {factors.backbone}, but training.freeze_backbone is true; leave out one of the two"
        )
    head = [p for p in learning if id(p) not in of_backbone]
    return [{"params": backbone}, {"params": head}]


def _backbone(net: Network, key: str) -> nn.Module:
    backbone: nn.Module | None = getattr(net, "encoder", None)
    if backbone is None:
        raise ConfigError(
            f"{key}: {net.card.arch} has no backbone (no part of it takes weights learned elsewhere); leave it out"
        )
    return backbone
