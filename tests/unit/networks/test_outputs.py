"""From the last linear map to logits or metres."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from segdepth.core.errors import InputError
from segdepth.kinds import KINDS
from segdepth.networks.outputs import (
    OUTPUTS,
    DepthOutput,
    InverseDepth,
    InverseMetres,
    LogDepth,
    Logits,
    Metres,
    Normals,
    RelativeDepth,
    RelativeInverseDepth,
)
from segdepth.saliency import NAMED_TARGETS, saliency_maps
from segdepth.tasks import wrap

#: Those whose answers are above zero.
POSITIVE = [LogDepth(), InverseDepth(), Metres(), InverseMetres(), RelativeDepth()]
NAMES = [type(output).__name__ for output in POSITIVE]

RAW = torch.linspace(-8, 8, 33, dtype=torch.float64).view(1, 1, 3, 11)


def test_logits_are_as_they_come() -> None:
    raw = torch.randn(2, 4, 3, 5)
    assert Logits()(raw) is raw
    assert (Logits().decode(raw) == raw.argmax(1)).all()


@pytest.mark.parametrize("output", POSITIVE, ids=NAMES)
def test_depth_is_positive_and_never_flat(output: DepthOutput) -> None:
    raw = RAW.clone().requires_grad_()
    assert (RAW == 0).any()  # as a ReLU gives it
    depth = output(raw)
    assert (depth > 0).all()
    (slope,) = torch.autograd.grad(depth.log().sum(), raw)
    assert (slope.abs() > 1e-4).all()
    torch.testing.assert_close(output.disparity(raw), 1 / depth)
    assert output.decode(depth).shape == (1, 3, 11)


def test_change_of_a_class_is_of_its_probability() -> None:
    before = torch.tensor([[0.0, 1.0]])
    after = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    p = torch.sigmoid(torch.tensor(1.0))
    torch.testing.assert_close(Logits().change(before, after), torch.tensor([0.0, float(2 * p - 1)]))


@pytest.mark.parametrize("output", POSITIVE, ids=NAMES)
def test_change_of_depth_is_of_its_logarithm(output: DepthOutput) -> None:
    before, after = torch.tensor([[10.0]]), torch.tensor([[10.0], [20.0], [5.0]])
    expected = torch.tensor([0.0, 1.0, 1.0]) * torch.tensor(2.0).log()
    torch.testing.assert_close(output.change(before, after), expected)


@pytest.mark.parametrize("z", [-1e15, -1e6, -1e3, -50.0, 50.0, 1e3, 1e6, 1e15])
def test_depth_learns_from_however_wild_a_start(z: float) -> None:
    raw = torch.full((1, 1, 1, 1), z, requires_grad=True)
    (slope,) = torch.autograd.grad(LogDepth()(raw).sum(), raw)
    assert slope.item() > 0


@settings(max_examples=20, deadline=None)
@given(st.floats(-1e6, 1e6))
def test_depth_stays_within_bounds(z: float) -> None:
    raw = torch.tensor(z).view(1, 1, 1, 1)
    assert 0.06 < LogDepth()(raw).item() < 1500
    assert 0.099 < InverseDepth()(raw).item() < 100.1


def test_known_values() -> None:
    zero = torch.zeros(1, 1, 1, 1)
    assert LogDepth()(zero).item() == pytest.approx(10)
    assert InverseDepth().disparity(zero).item() == pytest.approx(5.01)


@pytest.mark.parametrize("output", POSITIVE, ids=NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(output: DepthOutput, dtype: torch.dtype) -> None:
    raw = torch.tensor([-3.0, 0.5, 4.0]).to(dtype).view(1, 1, 1, 3)
    torch.testing.assert_close(output(raw), output(raw.float()), rtol=0, atol=0)


@pytest.mark.parametrize("output", [Metres(), RelativeDepth()], ids=["metres", "relative"])
def test_depth_of_somebody_else_is_what_the_map_says(output: DepthOutput) -> None:
    raw = torch.tensor([0.001, 0.3, 7.7, 81.3]).view(1, 1, 1, 4)
    assert output(raw).equal(raw)


def test_inverse_metres_are_the_map_and_its_inverse() -> None:
    raw = torch.tensor([0.001, 0.3, 7.7]).view(1, 1, 1, 3)
    output = InverseMetres()
    assert output.disparity(raw).equal(raw)
    assert output(raw).equal(1 / raw)
    assert output(torch.zeros(1, 1, 1, 1)).item() == 2048  # where a ReLU gave nothing


@pytest.mark.parametrize("output", [Metres(), InverseMetres(), RelativeDepth()], ids=["metres", "inverse", "relative"])
def test_the_bend_below_zero_has_no_jump(output: DepthOutput) -> None:
    floor = output.FLOOR  # type: ignore[attr-defined]
    raw = floor * torch.tensor([1 - 1e-6, 1 + 1e-6], dtype=torch.float64).view(1, 1, 1, 2)
    raw.requires_grad_()
    depth = output(raw)
    (slope,) = torch.autograd.grad(depth.sum(), raw)
    torch.testing.assert_close(depth[..., 0], depth[..., 1], rtol=1e-5, atol=0)
    torch.testing.assert_close(slope[..., 0], slope[..., 1], rtol=1e-5, atol=0)
    wild = torch.tensor([-1e9, -1e3, -1.0, 0.0]).view(1, 1, 1, 4).requires_grad_()
    order = output(wild).flatten()
    assert order.isfinite().all()
    assert len(order.diff().sign().unique()) == 1
    (slope,) = torch.autograd.grad(output(wild).log().sum(), wild)
    torch.testing.assert_close(slope.abs(), 1 / (2 * floor - wild.detach()))


def test_relative_inverse_depth_is_the_map_of_any_sign() -> None:
    output = RelativeInverseDepth()
    assert output(RAW) is RAW
    assert output.disparity(RAW) is RAW
    assert output.coarse(RAW) is RAW
    torch.testing.assert_close(
        output.change(torch.tensor([[-1.0]]), torch.tensor([[-1.0], [0.0], [-4.0]])), torch.tensor([0.0, 1.0, 3.0])
    )


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_says_whether_its_numbers_mean_something_alone(name: str) -> None:
    assert OUTPUTS[name].answers.is_relative == name.startswith("relative")
    assert OUTPUTS[name].answers.name in KINDS


@pytest.mark.parametrize("name", [name for name, output in OUTPUTS.items() if output.channels == 1])
def test_disparity_is_explained_of_every_depth(name: str) -> None:
    net = wrap(nn.Conv2d(3, 1, 3, padding=1), task="depth", answers=name)
    picture = torch.rand(3, 32, 40)
    explained = saliency_maps(net, picture, [(4, 5)], target="disparity")
    x = picture[None].requires_grad_()
    (gradient,) = torch.autograd.grad(net.disparity(x)[0, 0, 4, 5], x)
    torch.testing.assert_close(explained[0], gradient[0].abs().amax(0))


@pytest.mark.parametrize("target", sorted(RelativeInverseDepth.unknown))
def test_what_does_not_follow_from_an_answer_is_not_explained(target: str) -> None:
    net = wrap(nn.Conv2d(3, 1, 3, padding=1), task="depth", answers=RelativeInverseDepth.name)
    with pytest.raises(InputError, match=f"'{target}' does not follow from what this network answers"):
        saliency_maps(net, torch.rand(3, 32, 40), [(4, 5)], target=target)  # type: ignore[arg-type]


def test_normals_are_directions_of_any_length() -> None:
    raw = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    output = Normals()
    assert output(raw) is raw
    unit = output.decode(7 * raw)
    assert unit.shape == (2, 4, 5, 3)
    torch.testing.assert_close(unit, raw.movedim(1, -1) / raw.norm(dim=1)[..., None])


def test_change_of_a_normal_is_half_its_turn() -> None:
    before, after = torch.tensor([[0.0, 0.0, -2.0]]), torch.tensor([[0.0, 0.0, -1.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(Normals().change(before, after), torch.tensor([0.0, 0.5**0.5, 1.0]))


@pytest.mark.parametrize("name", OUTPUTS)
def test_each_output_says_what_it_is(name: str) -> None:
    output = OUTPUTS[name]()
    assert output.name == name
    assert output.channels == (len(output.channel_names) or output.channels)
    assert output.explained in NAMED_TARGETS
