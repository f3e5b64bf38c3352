"""What every loss promises, whichever it is. No loss is named here."""

import inspect

import pytest
import torch
from torch.autograd import gradcheck

from segdepth.kinds import KINDS
from segdepth.losses import LOSSES

from ..oracles.losses import CLASSES, PAIRS, TWINS

HEIGHT, WIDTH = 6, 7
EVERY = [(kind, name) for name, losses in LOSSES.items() for kind in losses]

pytestmark = pytest.mark.parametrize(("kind", "name"), EVERY, ids=[name for _, name in EVERY])


def only_data(loss):
    """The loss without its regulariser, which by definition looks at all pixels."""
    if "smooth" in inspect.signature(loss).parameters:
        return lambda *args, **options: loss(*args, smooth=False, **options)
    return loss


def make_pair(kind, batch=2, dtype=torch.float64):
    """A prediction and a truth of which about a third of the pixels is invalid."""
    invalid = torch.rand(batch, HEIGHT, WIDTH) < 0.3
    prediction, truth = PAIRS[kind]((batch, HEIGHT, WIDTH), dtype)
    return prediction, truth.masked_fill(invalid if truth.ndim == 3 else invalid[:, None], KINDS[kind].void)


def invalid_of(kind, truth):
    """Where the truth says nothing, in a shape that fits the prediction."""
    return (truth == KINDS[kind].void).view(len(truth), -1, HEIGHT, WIDTH).all(1, keepdim=True)


def value_and_gradient(loss, prediction, truth):
    prediction = prediction.clone().requires_grad_()
    value = loss(prediction, truth)
    (gradient,) = torch.autograd.grad(value, prediction)
    return value.detach(), gradient


def test_it_is_one_finite_number_and_not_negative(kind, name):
    value = LOSSES[name][kind](*make_pair(kind, dtype=torch.float32))
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value >= 0
    assert value.isfinite()


def test_every_option_has_a_default_and_an_annotation(kind, name):
    prediction, target, *options = inspect.signature(LOSSES[name][kind]).parameters.values()
    assert (prediction.name, target.name) == ("prediction", "target")
    for option in options:
        assert option.kind is option.KEYWORD_ONLY
        assert option.default is not option.empty
        assert option.annotation is not option.empty


def test_gradcheck(kind, name):
    prediction, truth = make_pair(kind)
    # the first image is far off and held still: a loss may take a constant from the worst error of the batch
    worst, moving = prediction[:1] + 100 * torch.rand_like(prediction[:1]), prediction[1:].requires_grad_()
    assert gradcheck(lambda x: LOSSES[name][kind](torch.cat([worst, x]), truth), moving, fast_mode=True)


def test_blind_to_invalid_pixels(kind, name):
    loss = only_data(LOSSES[name][kind])
    prediction, truth = make_pair(kind)
    invalid = invalid_of(kind, truth)

    value, gradient = value_and_gradient(loss, prediction, truth)
    for disturbance in (1e6, -1e6):
        other, other_gradient = value_and_gradient(loss, prediction.masked_fill(invalid, disturbance), truth)
        assert other == value
        assert torch.equal(other_gradient, gradient)
    assert (gradient.masked_select(invalid) == 0).all()
    assert (gradient.masked_select(~invalid) != 0).any()


def test_nothing_valid_is_zero_with_a_graph(kind, name):
    prediction, truth = make_pair(kind)
    value, gradient = value_and_gradient(LOSSES[name][kind], prediction, torch.full_like(truth, KINDS[kind].void))
    assert value == 0
    assert (gradient == 0).all()


def test_an_image_with_nothing_valid_does_not_poison_the_others(kind, name):
    prediction, truth = make_pair(kind)
    truth[1] = KINDS[kind].void
    value, gradient = value_and_gradient(only_data(LOSSES[name][kind]), prediction, truth)
    assert value > 0
    assert gradient.isfinite().all()
    assert (gradient[1] == 0).all()
    assert (gradient[0] != 0).any()


def test_the_order_of_the_images_does_not_matter(kind, name):
    prediction, truth = make_pair(kind, batch=3)
    loss = LOSSES[name][kind]
    torch.testing.assert_close(loss(prediction.flip(0), truth.flip(0)), loss(prediction, truth))


@pytest.mark.parametrize("size", [(3, 4), (12, 14), (6, 3)])
def test_another_size_is_resized_bilinearly(kind, name, size):
    prediction, truth = make_pair(kind)
    other = torch.rand(*prediction.shape[:2], *size, dtype=prediction.dtype) + 1
    resized = torch.nn.functional.interpolate(other, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)
    loss = LOSSES[name][kind]
    torch.testing.assert_close(loss(other, truth), loss(resized, truth))


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_single(kind, name, half):
    prediction, truth = make_pair(kind, dtype=torch.float32)
    prediction = prediction.to(half)
    value, gradient = value_and_gradient(LOSSES[name][kind], prediction, truth)
    assert value.dtype == torch.float32
    assert gradient.dtype == half
    assert value == LOSSES[name][kind](prediction.float(), truth)


def test_it_does_not_change_what_it_is_given(kind, name):
    prediction, truth = make_pair(kind)
    before = prediction.clone(), truth.clone()
    LOSSES[name][kind](prediction, truth)
    assert torch.equal(prediction, before[0])
    assert torch.equal(truth, before[1])


def test_descending_it_gets_better(kind, name):
    prediction, truth = make_pair(kind)
    loss = only_data(LOSSES[name][kind])
    value, gradient = value_and_gradient(loss, prediction, truth)
    assert loss(prediction - 1e-3 * gradient, truth) < value


def test_it_is_its_slow_twin(kind, name):
    prediction, truth = make_pair(kind)
    got = only_data(LOSSES[name][kind])(prediction, truth).item()
    assert got == pytest.approx(TWINS[name](prediction.numpy(), truth.numpy()), rel=1e-12)


def test_no_value_is_read_on_the_way(kind, name):
    """A GPU is waited for when the host asks for a value; tensors without values refuse to be asked."""
    prediction, truth = (tensor.to("meta") for tensor in make_pair(kind))
    value = LOSSES[name][kind](prediction.requires_grad_(), truth)
    value.backward()
    assert value.device.type == "meta"
    assert prediction.grad.shape == prediction.shape


@pytest.mark.gpu
def test_on_a_gpu_it_never_waits_and_gives_the_same(kind, name):
    prediction, truth = make_pair(kind)
    loss = LOSSES[name][kind]
    options = {"weight": [0.5] * CLASSES} if "weight" in inspect.signature(loss).parameters else {}
    on_gpu, truth_on_gpu = prediction.cuda().requires_grad_(), truth.cuda()
    loss(on_gpu, truth_on_gpu, **options).backward()  # kernels are loaded, and weights sent, on first use
    on_gpu.grad = None
    torch.cuda.set_sync_debug_mode("error")
    try:
        value = loss(on_gpu, truth_on_gpu, **options)
        value.backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")

    prediction.requires_grad_()
    want = loss(prediction, truth, **options)
    want.backward()
    torch.testing.assert_close(value.cpu(), want)
    torch.testing.assert_close(on_gpu.grad.cpu(), prediction.grad)
