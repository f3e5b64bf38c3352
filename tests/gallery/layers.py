"""What the small networks are put together from."""

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, nn

__all__ = ["CHANNELS", "Around", "Beside", "Layer", "around"]

#: Between the convolutions.
CHANNELS = 4


class Layer(nn.Module):
    """A function of a map, and of parts of its own by name."""

    def __init__(self, function: Callable[..., Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, **dict(self.named_children()))


class Around(nn.Module):
    """Layers between two convolutions, one after the other."""

    def __init__(self, channels: int = CHANNELS, **layers: nn.Module) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Conv2d(3, CHANNELS, 3, padding=1), nn.LeakyReLU())
        self.layers = nn.Sequential(OrderedDict(layers))
        self.after = nn.Conv2d(channels, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.layers(self.before(x)))


class Beside(Around):
    """The same, the layers beside each other: each has its share in every answer."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        return self.after(sum(layer(x) for layer in self.layers))


def around(part: Callable[[], nn.Module], channels: int = CHANNELS) -> Callable[[], nn.Module]:
    """Makes a network around one layer."""
    return lambda: Around(channels, layer=part())
