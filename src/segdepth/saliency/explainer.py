"""A network that is explained, and a picture that it answered: what belongs to each is done once."""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, cast, get_args
from weakref import WeakKeyDictionary

from jaxtyping import Float
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.core.tables import pick
from segdepth.geometry.regions import Region

from .answers import Answer, Output, Resize, answer_function
from .changes import Fingerprint, run_noting
from .checks import Crop, check_image, window_of
from .engines import EngineName, Prepared, check_engine
from .graph import Box
from .graphs import Function, Graphs
from .kept import KeptMaps, fitting
from .methods import Gradient, Method, MethodName
from .modes import Precision, arithmetic, first_pass, one_at_a_time
from .parts import Part
from .request import Request, ZeroReport, as_method
from .target import (
    Pixels,
    Target,
    as_pixels,
    as_target,
    check_output,
    check_pixels,
    fixed_targets,
    function_for,
    mean_of,
    meant,
    run_network,
    target_value,
)

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

__all__ = ["ExplainedPicture", "Explainer", "remembered"]


class Explainer:
    """A network that is explained; it is taken apart once per input size, and anew when it has changed.

    All engines give the same numbers, up to rounding. The network is left as it was.

    Args:
        net: any module that answers a picture ``[1, ., h, w]`` with a map, or with something that holds one.
        engine: "auto" takes the fastest that can; "sparse", "windowed", "batched" or "reference".
        output: which part of the answer is explained (see :func:`~segdepth.saliency.answers.answer_function`); by
            default the one with a known name, or the only map.
        resize: "bilinear" or "bicubic" bring the answer to the picture's size; by default it keeps its own.
        layer: path of a module whose answer is explained instead of the network's.

    Raises:
        InputError: if the network is no module, there is no such layer, or ``output`` can name nothing.
        ConfigError: if there is no such engine, or no such way to resize.

    Example:
        >>> import torch
        >>> explainer = Explainer(nn.Conv2d(3, 2, 5, padding=2))
        >>> at = explainer.at(torch.rand(3, 32, 48))
        >>> at.output.shape, at.maps([(16, 24)], target=1).shape
        (torch.Size([2, 32, 48]), torch.Size([1, 32, 48]))
    """

    def __init__(
        self, net: nn.Module, *, engine: EngineName = "auto", output: Output | None = None, resize: Resize | None = None,
        layer: str | None = None,
    ) -> None:  # fmt: skip
        check_engine(engine)
        if not isinstance(net, nn.Module):
            raise InputError(
                f"the network is a {type(net).__name__}; give a torch.nn.Module, whose forward(x) may call any function"
            )
        self.net = net
        self.engine = engine
        self._answer = answer_function(net, output=output, resize=resize, layer=layer)
        self._graphs = Graphs()

    def function(self, target: Target) -> Answer:
        """The function of the picture in whose values a target stands.

        Raises:
            InputError: if the network has no such function.
        """
        return function_for(self._answer, target)

    def meant(self, target: Target) -> Target:
        """What a target says of this network (see :data:`~segdepth.saliency.target.Target`)."""
        return meant(self._answer, target)

    def __repr__(self) -> str:
        asked = {"output": self._answer.output, "resize": self._answer.resize, "layer": self._answer.layer}
        given = "".join(f", {name}={value!r}" for name, value in asked.items() if value is not None)
        return f"{type(self).__name__}({type(self.net).__name__}, engine={self.engine!r}{given})"

    def at(
        self, image: Float[Tensor, "_ h w"], *, crop: Crop = None, precision: Precision = "full"
    ) -> "ExplainedPicture":
        """What belongs to a picture, done once: the network's answer, and later whatever the engines make of it.

        Args:
            image: in the network's input range (see ``Network.preprocessing``).
            crop: compute and give maps in this window only: a name (see ``segdepth.geometry.crops``), or row and column
                slices.
            precision: "full" is float32 (or the picture's type) throughout, also where PyTorch would take TF32 by
                itself; "tf32" and "bf16" are faster on a GPU and less exact (see
                :func:`~segdepth.saliency.precision.precision_error`).

        Raises:
            InputError: if the picture is not one picture of finite numbers, or the network cannot answer it. A picture
                of another size than the network was trained at is a warning.
            ConfigError: if there is no such crop or precision, or the engine does not work in it.
        """
        check_image(self.net, image)
        window = window_of(crop, image.shape[-2], image.shape[-1])
        pick(dict.fromkeys(get_args(Precision)), precision, kind="precision")
        if precision == "tf32" and image.device.type != "cuda":
            raise InputError(f"precision 'tf32' is of NVIDIA GPUs; the picture is on {image.device.type!r}")
        check_engine(self.engine, precision, image.device.type)
        return ExplainedPicture(self, image.detach().clone(), window, precision)


class ExplainedPicture:
    """A network's answer to a picture, of which any number of pixels can be explained (see :meth:`Explainer.at`).

    Pixels are (row, column) of the *answer*: pairs, or a tensor or array of whole numbers ``[p, 2]``. Maps are of the
    picture, or of its crop. Engines are made ready when the first pixels ask for them, and kept.

    Every call raises an InputError if the network was changed since: tensors, modules or hooks are others, or were
    written to. (What is written through ``.data`` or a NumPy view, and numbers that are attributes, is not seen until
    the next :meth:`Explainer.at`.)
    """

    def __init__(self, explainer: Explainer, image: Float[Tensor, "_ h w"], window: Box, precision: Precision) -> None:
        self._explainer = explainer
        self._image = image
        self._window = window
        self._precision = precision
        self._fingerprint: Fingerprint | None = None
        self._noted: set[str] = set()
        self._prepared: dict[str, Prepared] = {}
        self._kept = KeptMaps()
        self._function("predicted")

    def __reduce__(self) -> Any:  # a copy, here or in another process, makes its own pass
        return type(self), (self._explainer, self._image, self._window, self._precision)

    def engine_for(self, count: int, *, target: Target = "predicted") -> EngineName:
        """The name of the engine that explains so many pixels at once; it is ready then.

        Args:
            count: of pixels.
            target: see :meth:`maps`.
        """
        return cast(EngineName, self._function(as_target(target)).chosen(self._explainer.engine, count))

    @property
    def output(self) -> Float[Tensor, "c h w"]:
        """The network's answer, without history; a copy."""
        return self._prepared[""].output.clone()

    def __repr__(self) -> str:
        rows, columns = self._image.shape[-2:]
        return f"{type(self).__name__}({self._explainer!r}, picture {rows}x{columns}, answer {list(self.output.shape)})"

    @property
    def parts(self) -> list[Part]:
        """What became of the network's parts when it was taken apart, or why it was not."""
        self._unchanged()
        return self._prepared[""].parts(self._explainer.engine)

    def maps(
        self, pixels: Pixels, *, target: Target = "predicted", method: MethodName | Method = "gradient",
        zeros: ZeroReport | None = None,
    ) -> Float[Tensor, "p _h _w"]:  # fmt: skip
        """Absolute gradient of the output at each pixel with respect to the picture, maximum over the colours.

        Args:
            pixels: of the answer.
            target: the number that is explained; by default the logit of the class predicted at the pixel, or the
                depth.
            method: "gradient", "input_x_gradient", "integrated_gradients", "smoothgrad", or one with its own settings,
                such as ``SmoothGrad(samples=50)``.
            zeros: called once, when the last map is made, with the numbers of the pixels whose map is zero everywhere,
                if there are any: the answer has no gradient there, as behind a dead ReLU. By default a warning names
                them.

        Returns:
            One map per pixel, >= 0, in output units per unit of the input range (times the input's for the methods that
            multiply by it).

        Raises:
            InputError: if a pixel is outside the answer, the target does not fit the network, the engine, asked for by
                name, does not know an operation of it, or the network was changed since.
            ConfigError: if there is no such method.

        Source:
            Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034, section 3.
        """
        request = self._checked(pixels, target, method)
        kept = [self._kept.of(key) for key in request.keys or ()]
        missing = [index for index, one in enumerate(kept) if one is None]
        if len(missing) == len(kept):
            return self._ready(request).maps(zeros)
        maps = self._image.new_empty((len(kept), *request.size))
        for index, one in enumerate(kept):
            if one is not None:
                maps[index] = one
        if missing:
            maps[missing] = self._ready(request.of(missing)).maps(lambda _: None)
        request.report_zeros(maps, zeros)
        return maps

    def region(
        self, region: Region | tuple[int, int, int, int], *, target: Target = "predicted",
        method: MethodName | Method = "gradient", zeros: ZeroReport | None = None,
    ) -> Float[Tensor, "_h _w"]:  # fmt: skip
        """The map of a rectangle: the number that is explained is the mean over its pixels of what the target names at each.

        Args:
            region: of the answer: first row and column, and those after the last.
            target: see :meth:`maps`; no function. The predicted classes are each pixel's own.
            method: see there.
            zeros: see there.

        Raises:
            InputError: see there; also if the rectangle has no pixel, or the target is a function.
        """
        region = Region(*region)
        if callable(target):
            raise InputError("a region's mean is of a target that has a name or a number, not of a function")
        region.check((self._prepared[""].output.shape[-2], self._prepared[""].output.shape[-1]))
        asked = self._checked(region.pixels, target, method)
        mean = mean_of(asked.prepared.output, asked.pixels, asked.target)
        request = Request(asked.prepared, self._explainer.engine, [region.centre], mean, asked.method)
        return self._ready(request).maps(zeros)[0]

    def values(self, pixels: Pixels, *, target: Target = "predicted") -> Float[Tensor, " p"]:
        """The numbers that are explained.

        Args:
            pixels: of the answer.
            target: see :meth:`maps`.

        Raises:
            InputError: see :meth:`maps`.
        """
        request = self._checked(pixels, target, Gradient())
        output = request.prepared.output
        values = output.new_empty(len(request.pixels))
        targets = fixed_targets(output, request.pixels, request.target)
        for index, (pixel, one) in enumerate(zip(request.pixels, targets, strict=True)):
            values[index] = target_value(output[None], pixel, one)
        return values

    def keep(self, pixels: Pixels, *, target: Target = "predicted") -> None:
        """Compute maps before they are asked for: :meth:`maps` takes those that were kept from memory.

        For whoever shows them: a tile of neighbours costs little more than one of them. They are kept in 256 MiB, of too many
        the oldest go. A tile may be another engine's than a single pixel is: the same numbers up to rounding.

        Args:
            pixels: of the answer; as many as are kept.
            target: see :meth:`maps`; no function.

        Raises:
            InputError: see :meth:`maps`; also if the target is a function, which may be another one the next time, or at more
                pixels than are kept.
        """
        request = self._checked(pixels, target, Gradient())
        keys = request.keys
        if keys is None:
            raise InputError("maps of a target that is a function are not kept: it may be another one the next time")
        rows, columns = request.size
        most = fitting(rows * columns * self._image.element_size())
        if len(keys) > most:
            raise InputError(f"{len(keys)} maps are too many to keep; give at most {most} pixels at a time")
        missing = [index for index, key in enumerate(keys) if self._kept.of(key) is None]
        if missing:
            blocks = self._ready(request.of(missing)).blocks(lambda _: None)
            for index, one in zip(missing, chain.from_iterable(blocks), strict=True):
                self._kept.add(keys[index], one.clone())

    def blocks(
        self, pixels: Pixels, *, target: Target = "predicted", method: MethodName | Method = "gradient",
        zeros: ZeroReport | None = None,
    ) -> Iterator[Float[Tensor, "_p _h _w"]]:  # fmt: skip
        """The same maps in blocks, in the pixels' order and in bounded memory; arguments as of :meth:`maps`."""
        return self._request(pixels, target, method).blocks(zeros)

    def chunks(
        self, pixels: Pixels, *, target: Target = "predicted", method: MethodName | Method = "gradient",
        zeros: ZeroReport | None = None,
    ) -> Iterator[tuple[list[int], Box, Float[Tensor, "_p _h _w"]]]:  # fmt: skip
        """The same maps as the engine makes them: which pixels, where in the picture, and the maps over that box.

        Outside its box a map is 0; boxes count from the picture's corner, not the crop's. This is the cheapest form:
        for statistics that need no whole maps. Arguments as of :meth:`maps`.
        """
        return self._request(pixels, target, method).chunks(zeros)

    def jacobian(self, pixels: Pixels, *, target: Target = "predicted") -> Float[Tensor, "p _ _h _w"]:
        """The signed gradient of the output at each pixel with respect to the picture, in the crop.

        Args:
            pixels: of the answer.
            target: see :meth:`maps`.

        Raises:
            InputError: see :meth:`maps`.
        """
        return self._request(pixels, target, Gradient()).signed()

    def jacobian_blocks(self, pixels: Pixels, *, target: Target = "predicted") -> Iterator[Float[Tensor, "_p _ _h _w"]]:
        """The same gradients in blocks, in the pixels' order and in bounded memory."""
        return self._request(pixels, target, Gradient()).signed_blocks()

    def operator(self, pixels: Pixels, *, target: Target = "predicted") -> "LinearOperator":
        """The same gradients as a linear operator, which needs no memory for them: for singular vectors, say.

        A row is a pixel's gradient, ``[channels * rows * columns]`` of the crop. A product with the transpose is one
        backward pass; one with the operator is a pass in PyTorch's forward mode, or where an operation of the network
        has none, two backward passes, or all rows. Which of these is right is found out at the first product. Numbers
        are as exact as the picture's type, whatever the precision.

        Args:
            pixels: of the answer.
            target: see :meth:`maps`.

        Returns:
            ``scipy.sparse.linalg.LinearOperator`` of the picture's type, ``[p, channels * rows * columns]``. It refuses
            to go on when the network was changed, as everything here.

        Raises:
            InputError: see :meth:`maps`; also if the picture's numbers are no float32 or float64.

        Example:
            >>> import torch
            >>> from scipy.sparse.linalg import svds
            >>> at = Explainer(nn.Conv2d(3, 3, 5, padding=2)).at(torch.rand(3, 16, 16))
            >>> values = svds(at.operator([(r, c) for r in range(16) for c in range(16)], target=0), k=2)[1]
        """
        from .linear import JacobianOperator  # SciPy's solvers take a moment to import

        request = self._checked(pixels, target, Gradient())
        return JacobianOperator(request, self._unchanged)

    def _request(self, pixels: Pixels, target: Target, method: MethodName | Method) -> Request:
        """A checked call whose engine is ready."""
        return self._ready(self._checked(pixels, target, method))

    def _ready(self, request: Request) -> Request:
        request.engine_at(self._image)
        return request

    def _checked(self, pixels: Pixels, target: Target, method: MethodName | Method) -> Request:
        pixels, method = as_pixels(pixels), as_method(method)
        target = self._explainer.meant(as_target(target))
        self._unchanged()
        prepared = self._function(target)
        answer, (height, width) = prepared.output, self._image.shape[-2:]
        check_output(answer[None], self._image[None], target)
        check_pixels(pixels, (answer.shape[-2], answer.shape[-1]), (height, width))
        return Request(prepared, self._explainer.engine, pixels, target, method)

    def _function(self, target: Target) -> Prepared:
        """The function in whose values the target stands, at the picture; its forward pass is made once."""
        call = self._explainer.function(target)
        name = call.method or ""
        with one_at_a_time:
            return self._prepared_for(call, name, target)

    def _prepared_for(self, call: Answer, name: str, target: Target) -> Prepared:
        net, image = self._explainer.net, self._image
        if name not in self._prepared:
            with arithmetic(self._precision):
                answer = first_pass(net, lambda: self._run_noting(call))
            check_output(answer, image[None], target)
            if self._fingerprint is None or self._fingerprint.change():
                self._fingerprint = Fingerprint(net, self._noted)
            function = Function(net, call, name, self._fingerprint.key, self._explainer._graphs)
            self._prepared[name] = Prepared(function, image, self._window, answer[0], self._precision)
        return self._prepared[name]

    def _run_noting(self, call: Answer) -> Float[Tensor, "1 c _h _w"]:
        answer, noted = run_noting(call.net, lambda: run_network(call, self._image[None]))
        self._noted |= noted
        return answer

    def _unchanged(self) -> None:
        """Refuse to go on with a network that is not the one that answered.

        Raises:
            InputError: with what is another.
        """
        if change := self._fingerprint and self._fingerprint.change():
            raise InputError(f"the network was changed since at(image): {change}; call at(image) again")


#: What is known of a network as long as it lives, by what of its answer is explained.
_known: WeakKeyDictionary[nn.Module, dict[Any, Graphs]] = WeakKeyDictionary()


def remembered(
    net: nn.Module, *, engine: EngineName = "auto", output: Output | None = None, resize: Resize | None = None
) -> Explainer:
    """An explainer that knows what others that were made here knew of the network.

    Args:
        net: see :class:`Explainer`, as for all arguments.
        engine: see there.
        output: see there; where it is a function nothing is remembered, for it may hold the network and keep it alive.
        resize: see there.
    """
    explainer = Explainer(net, engine=engine, output=output, resize=resize)
    if not callable(output):
        explainer._graphs = Graphs(_known.setdefault(net, {}).setdefault((output, resize), Graphs()))
    return explainer
