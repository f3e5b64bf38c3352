"""How convolutions start."""

from typing import Literal

from torch import nn

__all__ = ["he_normal_", "small_normal_"]


def he_normal_(module: nn.Module, mode: Literal["fan_in", "fan_out"] = "fan_in") -> None:
    """Every convolution below ``module``: normal weights that keep the variance through a ReLU, zero biases.

    Source:
        He et al. 2015, arXiv:1502.01852.
    """
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def small_normal_(head: nn.Module) -> None:
    """Weights of deviation 0.01: an untrained head says nearly the same everywhere (even odds, 10 m)."""
    for layer in head.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.01)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
