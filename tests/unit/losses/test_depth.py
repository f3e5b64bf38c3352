import json

import pytest
import torch

from segdepth.losses import berhu_loss, huber_loss, l1_loss, scale_invariant_loss

CASES = ["mixed", "nonpositive", "all_valid", "small_residuals", "upsample", "one_image_empty"]
GOLDEN = {"l1": (l1_loss, {}), "berhu": (berhu_loss, {}), "huber": (huber_loss, {})} | {
    f"scale_invariant_lambda{weight}_{pool}": (
        scale_invariant_loss,
        {"lambda_weight": float(weight), "per_image": pool == "per_image"},
    )
    for weight in ("1", "0.5")
    for pool in ("batch", "per_image")
}


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("case", CASES)
def test_golden_values_and_gradients(conformance, conformance_inputs, case, name):
    want = json.loads((conformance / "losses.json").read_text())["depth"][case]["losses"][name]
    prediction, target = map(torch.from_numpy, conformance_inputs.depth_pair(case))
    prediction.requires_grad_()
    loss, options = GOLDEN[name]

    value = loss(prediction, target, smooth=False, **options)
    (gradient,) = torch.autograd.grad(value, prediction)

    assert value.item() == pytest.approx(want["value"], rel=1e-12, abs=1e-15)
    assert loss(prediction, target, **options).item() == pytest.approx(want["value_smooth"], rel=1e-12)
    assert gradient.abs().sum().item() == pytest.approx(want["gradient_sum_abs"], rel=1e-12)
    assert gradient.flatten()[[0, 37, 95]].tolist() == pytest.approx(want["gradient_at"], rel=1e-12, abs=1e-18)


def test_berhu_of_a_perfect_prediction_is_zero():
    target = torch.full((1, 1, 3, 4), 10.0)
    prediction = target.clone().requires_grad_()
    loss = berhu_loss(prediction, target, smooth=False)
    loss.backward()
    assert loss.item() == 0
    assert (prediction.grad == 0).all()


def test_berhus_bound_does_not_see_unmeasured_pixels():
    target = torch.tensor([[[[10.0, 10.0, 0.0]]]])
    near = torch.tensor([[[[11.0, 15.0, 10.0]]]])
    far = torch.tensor([[[[11.0, 15.0, 9999.0]]]])
    assert berhu_loss(near, target, smooth=False) == berhu_loss(far, target, smooth=False)


def test_huber_treats_both_signs_alike():
    target = torch.full((1, 1, 2, 2), 10.0)
    over, under = huber_loss(target + 3, target), huber_loss(target - 3, target)
    torch.testing.assert_close(over, under)
    torch.testing.assert_close(over, torch.tensor(2.5))
    torch.testing.assert_close(huber_loss(target + 3, target, delta=2.0), torch.tensor(4.0))


def test_full_scale_invariance_ignores_the_scale():
    target = torch.rand(2, 1, 5, 6, dtype=torch.float64) * 50 + 1
    loss = scale_invariant_loss(
        target * torch.tensor([1.25, 3.0]).view(2, 1, 1, 1), target, lambda_weight=1.0, smooth=False
    )
    assert loss.item() == pytest.approx(0, abs=1e-14)


def test_a_prediction_of_the_right_pixels_can_recover_from_below_zero():
    target = torch.full((1, 1, 2, 2), 10.0)
    prediction = torch.full_like(target, -1.0, requires_grad=True)
    l1_loss(prediction, target, smooth=False).backward()
    assert (prediction.grad < 0).all()


def test_smoothness_is_weighted():
    target = torch.rand(1, 1, 6, 7) + 1
    prediction = torch.rand(1, 1, 6, 7) + 1
    plain = l1_loss(prediction, target, smooth=False)
    one, two = (l1_loss(prediction, target, smooth_weight=w) - plain for w in (1.0, 2.0))
    assert one > 0
    torch.testing.assert_close(two, 2 * one)
