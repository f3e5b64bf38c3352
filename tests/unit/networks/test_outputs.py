"""From the last linear map to logits or metres."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segdepth.networks.outputs import OUTPUTS, DepthOutput, InverseDepth, LogDepth, Logits, Normals
from segdepth.saliency import NAMED_TARGETS

RAW = torch.linspace(-8, 8, 33, dtype=torch.float64).view(1, 1, 3, 11)


def test_logits_are_as_they_come() -> None:
    raw = torch.randn(2, 4, 3, 5)
    assert Logits()(raw) is raw
    assert (Logits().decode(raw) == raw.argmax(1)).all()


@pytest.mark.parametrize("output", [LogDepth(), InverseDepth()])
def test_depth_is_positive_and_never_flat(output: DepthOutput) -> None:
    raw = RAW.clone().requires_grad_()
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


@pytest.mark.parametrize("output", [LogDepth(), InverseDepth()])
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


@pytest.mark.parametrize("output", [LogDepth(), InverseDepth()])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(output: DepthOutput, dtype: torch.dtype) -> None:
    raw = torch.tensor([-3.0, 0.5, 4.0]).to(dtype).view(1, 1, 1, 3)
    torch.testing.assert_close(output(raw), output(raw.float()), rtol=0, atol=0)


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
