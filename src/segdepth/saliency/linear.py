"""The Jacobian of some output pixels as a linear operator: products with it and its transpose, without its rows."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy import ndarray
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator
from torch import Tensor
from torch.autograd import forward_ad

from segdepth.core.errors import InputError

from .batched import Recorded
from .modes import arithmetic, grad_mode_kept, gradients_kept, recording, undisturbed
from .request import Request
from .seeds import Seeds
from .target import fixed_targets

__all__ = ["JacobianOperator"]

#: Largest error of a right product, in units of the type's resolution, relative to the sum of its terms' sizes.
TOLERANCE = 1000

#: From a change of the picture to the change of each target's value.
Product = Callable[[Float[Tensor, "_ h w"]], Float[ndarray, " p"]]


class JacobianOperator(LinearOperator):
    """Gradients of some pixels' targets with respect to the picture's values in the window, one row each.

    Args:
        request: which pixels of what.
        unchanged: refuses a network that is not what it was.

    Raises:
        InputError: if NumPy does not know the picture's type.
    """

    def __init__(self, request: Request, unchanged: Callable[[], None]) -> None:
        image, prepared = request.prepared.image, request.prepared
        if image.dtype not in (torch.float32, torch.float64):
            raise InputError(f"the picture is {image.dtype}; a linear operator needs float32 or float64")
        rows, columns = request.size
        dtype = np.dtype(str(image.dtype).removeprefix("torch."))
        super().__init__(dtype, (len(request.pixels), len(image) * rows * columns))  # type: ignore[no-untyped-call]
        self._request = request
        self._unchanged = unchanged
        self._rows, self._columns = (slice(*span) for span in prepared.window)
        targets = fixed_targets(prepared.output, request.pixels, request.target)
        self._seeds = _rows_of(Seeds(prepared.output, request.pixels, targets), dtype)
        self._forward: Product | None = None

    def _matvec(self, x: Shaped[ndarray, "..."]) -> Shaped[ndarray, " p"]:
        return self._matmat(x.reshape(-1, 1))[:, 0]

    def _rmatvec(self, x: Shaped[ndarray, "..."]) -> Shaped[ndarray, " n"]:
        return self._rmatmat(x.reshape(-1, 1))[:, 0]

    def _matmat(self, X: Shaped[ndarray, "n k"]) -> Shaped[ndarray, "p k"]:
        if np.iscomplexobj(X):
            return self._matmat(X.real) + 1j * self._matmat(X.imag)
        self._unchanged()
        found = np.empty((self.shape[0], X.shape[1]), self.dtype)
        with self._kept():
            self._forward = self._forward or self._right_product()
            for number in range(X.shape[1]):
                found[:, number] = self._forward(self._change(X[:, number]))
        return found

    def _rmatmat(self, X: Shaped[ndarray, "p k"]) -> Shaped[ndarray, "n k"]:
        if np.iscomplexobj(X):
            return self._rmatmat(X.real) + 1j * self._rmatmat(X.imag)
        self._unchanged()
        recorded = self._request.prepared.recorded
        outputs = torch.from_numpy(np.ascontiguousarray((self._seeds.T @ X.astype(self.dtype)).T)).to(recorded.y)
        outputs = outputs.view(-1, *recorded.y.shape[1:])
        with self._kept():
            found = torch.cat([recorded.products(some) for some in outputs.split(recorded.chunk)])
        return found[..., self._rows, self._columns].flatten(1).T.cpu().numpy()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        prepared = self._request.prepared
        with grad_mode_kept(), arithmetic(prepared.precision), gradients_kept(prepared.function.net):
            yield

    def _change(self, v: Float[ndarray, " n"]) -> Float[Tensor, "_ h w"]:
        """A change of the whole picture that is one of the window."""
        image = self._request.prepared.image
        change = torch.zeros_like(image)
        inside = change[..., self._rows, self._columns]
        inside.copy_(torch.from_numpy(np.ascontiguousarray(v, self.dtype)).view(inside.shape))
        return change

    def _right_product(self) -> Product:
        """The fastest that is the transpose of what the backward passes make: ``<u, J v> = <J^T u, v>``."""
        draw, request = np.random.default_rng(0), self._request
        u, v = (draw.standard_normal(length).astype(self.dtype) for length in self.shape)
        expected = self._rmatvec(u).astype(np.float64) * v
        for product in (self._in_forward_mode, _TwiceBackward(request.prepared.recorded, self._values)):
            try:
                found = product(self._change(v)).astype(np.float64) * u
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:  # an operation without such a derivative
                continue
            allowed = TOLERANCE * np.finfo(self.dtype).eps * (abs(found).sum() + abs(expected).sum())
            if abs(found.sum() - expected.sum()) <= allowed:
                return product
        return self._by_rows

    def _values(self, change: Float[Tensor, "1 c h w"] | None) -> Float[ndarray, " p"]:
        """What a change of the answer does to each target."""
        if change is None:
            return np.zeros(self.shape[0], self.dtype)
        found: ndarray = self._seeds @ change.detach().flatten().cpu().numpy()
        return found

    def _in_forward_mode(self, change: Float[Tensor, "_ h w"]) -> Float[ndarray, " p"]:
        prepared = self._request.prepared
        with undisturbed(prepared.function.net), torch.no_grad(), forward_ad.dual_level():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # PyTorch's first look at its own rules
                image = forward_ad.make_dual(prepared.image[None].clone(), change[None])
            answer = prepared.function.call(image)
            return self._values(forward_ad.unpack_dual(answer).tangent)

    def _by_rows(self, change: Float[Tensor, "_ h w"]) -> Float[ndarray, " p"]:
        inside = change[..., self._rows, self._columns].flatten()
        return np.concatenate([(rows.flatten(1) @ inside).cpu().numpy() for rows in self._request.signed_blocks()])


class _TwiceBackward:
    """What a backward pass makes of a gradient of the answer is linear in that; its own backward pass is a product.

    Args:
        recorded: the forward pass.
        values: makes targets' values of a change of the answer.
    """

    def __init__(self, recorded: Recorded, values: Callable[[Tensor], Float[ndarray, " p"]]) -> None:
        self._recorded = recorded
        self._values = values
        self._linear: tuple[Tensor, Tensor] | None = None

    def __call__(self, change: Float[Tensor, "_ h w"]) -> Float[ndarray, " p"]:
        with recording():
            seed, gradient = self._linear = self._linear or self._record()
            (found,) = torch.autograd.grad(gradient, seed, change[None], retain_graph=True)
        return self._values(found)

    def _record(self) -> tuple[Tensor, Tensor]:
        x, y = self._recorded.x, self._recorded.y
        seed = torch.zeros_like(y).requires_grad_()
        return seed, torch.autograd.grad(y, x, seed, create_graph=True)[0]


def _rows_of(seeds: Seeds, dtype: np.dtype) -> csr_array:
    """The gradient of each target with respect to the answer: rows of a sparse matrix."""
    _, height, width = seeds.output.shape
    starts, cells, weights = [0], [np.zeros(0, np.int64)], [np.zeros(0, dtype)]
    for index in range(len(seeds.pixels)):
        ((top, _), (left, _)), seed = seeds.of(index)
        channel, row, column = seed.nonzero().T.cpu().numpy()
        cells.append((channel * height + row + top) * width + column + left)
        weights.append(seed[channel, row, column].cpu().numpy())
        starts.append(starts[-1] + len(channel))
    shape = (len(seeds.pixels), seeds.output.numel())
    return csr_array((np.concatenate(weights), np.concatenate(cells), np.array(starts)), shape)  # type: ignore[no-untyped-call]
