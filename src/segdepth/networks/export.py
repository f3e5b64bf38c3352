"""Networks for other runtimes: ONNX and torch.export, from the 8-bit picture to logits or metres, checked against the network."""

import copy
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.fx.experimental._config as shapes_config
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from segdepth.core.errors import InputError, SegdepthError, reason
from segdepth.core.files import replacing

from .network import Network

__all__ = ["BATCH", "SIDES", "PictureToAnswer", "export_onnx", "export_torch", "trace"]

#: What a graph with free axes was traced with: batch, rows, columns. No axis is special (1, a multiple of 32, equal to another).
_EXAMPLE = (2, 69, 101)
#: What it is checked with: smaller, larger, odd, even.
_CHECKS = ((1, 37, 50), (3, 96, 64))
#: Fewest and most rows and columns of a graph with free axes. At 32 FCRN's coarsest map is one pixel wide, and what the tracer
#: decides about strides is another thing there.
SIDES = (33, 8192)
#: Smallest and largest batch of such a graph.
BATCH = (1, 1024)
#: The free axes of the picture and of the answer, by name.
_AXES = {0: "batch", 2: "height", 3: "width"}
#: How far the answers may be from the network's, on the average, relative to their average size. (A tie in a pooling can
#: fall the other way and change single pixels more than rounding does; a wrong graph is wrong everywhere.)
_TOLERANCE = 1e-3


class PictureToAnswer(nn.Module):
    """A network with its preprocessing in front, so that a graph made of it cannot be fed with the wrong range.

    Args:
        net: copied, to the CPU and into evaluation mode.
    """

    def __init__(self, net: Network) -> None:
        super().__init__()
        # free strides of channels-last tensors are conditions on the size that the tracer cannot decide
        plain = copy.deepcopy(net).cpu().eval().requires_grad_(False)
        self.net: Network = plain.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    def forward(self, image: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Logits, or depth in metres, of 8-bit RGB pictures."""
        return self.net(self.net.preprocessing(image))  # type: ignore[no-any-return]


def export_torch(net: Network, path: Path, *, size: tuple[int, int] | None = None) -> float:
    """Write a ``torch.export`` program (``.pt2``) that ``torch.export.load(path).module()`` runs without segdepth.

    Args:
        net: any network.
        path: file to write, whole or not at all; the card is its extra file ``card.json``.
        size: rows and columns to fix, with a batch of one; None leaves them free within :data:`BATCH` and :data:`SIDES`,
            which the program checks.

    Returns:
        The largest difference from the network's answers, relative to the largest answer.

    Raises:
        InputError: if it is somebody else's network that cannot be traced so.
        SegdepthError: if the program's answers differ from the network's.
    """
    module = PictureToAnswer(net)
    program = trace(module, size)
    with replacing(path) as temporary:
        whole = io.BytesIO()  # of a file that it cannot write, torch's writer ends the process
        torch.export.save(program, whole, extra_files={"card.json": net.card.model_dump_json()})
        temporary.write_bytes(whole.getbuffer())
        loaded = torch.export.load(temporary).module()
        return _check(module, lambda image: loaded(torch.from_numpy(image)).numpy(), size)


def export_onnx(net: Network, path: Path, *, size: tuple[int, int] | None = None) -> float:
    """Write an ONNX model: input ``image`` uint8 [b, 3, h, w] RGB, output ``logits`` or ``depth`` [b, c, h, w].

    Args:
        net: any network.
        path: file to write, whole or not at all; the card is its metadata ``segdepth``.
        size: rows and columns to fix, with a batch of one; None leaves them free. The file does not check sizes: what it
            answers outside of :data:`SIDES` is not warranted.

    Returns:
        The largest difference between ONNX Runtime's answers and the network's, relative to the largest answer.

    Raises:
        InputError: if the extra ``segdepth[onnx]`` is not installed, or it is somebody else's network that cannot be traced so.
        SegdepthError: if ONNX Runtime's answers differ from the network's.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise InputError(f"export to ONNX needs the package {error.name!r}: pip install 'segdepth[onnx]'") from None
    module = PictureToAnswer(net)
    with _quiet():
        exported = torch.onnx.export(
            trace(module, size), dynamo=True, verbose=False, input_names=["image"], output_names=[net.output.name],
            dynamic_shapes=(_AXES,) if size is None else None,  # their names, which the traced program does not keep
        )  # fmt: skip
    assert exported is not None  # it is None only for the old exporter
    exported.model.metadata_props["segdepth"] = net.card.model_dump_json()
    with replacing(path) as temporary:
        exported.save(temporary)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(temporary), options, providers=["CPUExecutionProvider"])
        return _check(module, lambda image: np.asarray(session.run(None, {"image": image})[0]), size)


def trace(module: PictureToAnswer, size: tuple[int, int] | None = None) -> ExportedProgram:
    """The operations of a network as a graph.

    Args:
        module: the network.
        size: see :func:`export_torch`.

    Raises:
        InputError: if it is somebody else's network that decides by a picture's size what it computes.
    """
    axes: dict[int, Any] | None = None
    if size is None:
        limits = {0: BATCH, 2: SIDES, 3: SIDES}
        axes = {axis: Dim(name, min=limits[axis][0], max=limits[axis][1]) for axis, name in _AXES.items()}
    batch, height, width = _EXAMPLE if size is None else (1, *size)
    image = torch.zeros(batch, 3, height, width, dtype=torch.uint8)
    # what the layers decide about sizes ("is there anything to crop?") is checked when the graph runs, not assumed
    oblivious = shapes_config.patch(backed_size_oblivious=True)  # type: ignore[attr-defined]
    with oblivious, _quiet(), _one_sentence(module.net, size):
        return torch.export.export(
            module, (image,), dynamic_shapes=(axes,), prefer_deferred_runtime_asserts_over_guards=True
        )


@contextmanager
def _one_sentence(net: Network, size: tuple[int, int] | None) -> Iterator[None]:
    """What the tracer makes of somebody else's code. Ours it takes: there, whatever is raised is a bug.

    Raises:
        InputError: with what would be right.
    """
    try:
        yield
    except Exception as error:
        if net.card.guest is None:
            raise
        todo = "fix its rows and columns (--height, --width)" if size is None else "it is no graph of operations"
        raise InputError(f"{net.card.arch} cannot be exported: {todo}; the tracer says: {reason(error)}") from None


def _check(module: PictureToAnswer, run: Callable[[ndarray], ndarray], size: tuple[int, int] | None) -> float:
    """The largest relative difference on noise pictures."""
    random = np.random.default_rng(0)
    largest = 0.0
    for batch, height, width in _CHECKS if size is None else ((1, *size),):
        image = random.integers(0, 256, (batch, 3, height, width), dtype=np.uint8)
        with torch.no_grad():
            want = module(torch.from_numpy(image)).numpy()
        with _one_sentence(module.net, size):
            got = run(image)
        if got.shape != want.shape or not np.abs(got - want).mean() <= _TOLERANCE * np.abs(want).mean():
            raise SegdepthError(
                f"the exported {module.net.card.arch} answers a {height}x{width} picture otherwise than the network; nothing "
                "was written. This is a bug, of ours or of the exporter's"
            )
        scale = np.abs(want).max() or 1.0  # a legacy network's ReLU may have left nothing
        largest = max(largest, float(np.abs(got - want).max() / scale))
    return largest


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' notes about themselves: packages that they could use, attributes that they guess."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnx_ir", "onnxscript")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
