"""What a trace is made of: networks that write to their picture, are compiled, frozen or exported."""

import linecache

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from segdepth.saliency import Explainer

from ..held import ENGINES, PIXELS, Held, Part, attack, held, picture, rows


def test_a_network_may_write_to_its_picture() -> None:
    net = Part(lambda part, x: part.last(x.sub_(0.5).div_(2)), last=nn.Conv2d(3, 2, 3, padding=1)).double()
    image = picture()
    attack(net, image.clone(), engines=(*ENGINES, "batched", "reference"))
    given = image.clone()
    at = Explainer(net).at(given)
    assert torch.equal(given, image)
    row = at.jacobian(PIXELS, target=1)[2].flatten()
    found = at.operator(PIXELS, target=1).matvec(image.flatten().numpy())[2]
    assert found == pytest.approx(float(row @ image.flatten()))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_compiled_part_is_taken_apart() -> None:
    part = torch.compile(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.GELU()), backend="eager")
    net = Held(part).double()
    attack(net)
    assert all(part.how == "native" for part in Explainer(net).at(picture()).parts)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore:`torch.jit:FutureWarning")
def test_frozen_scripts_and_exported_programs() -> None:
    net, image = held(lambda _, x: x).eval(), picture()
    plain = nn.Sequential(net.first, nn.ReLU(), net.last).eval()
    expected = rows(plain, image)
    frozen = torch.jit.freeze(torch.jit.script(plain))
    exported = torch.export.export(plain, (image[None],)).module()
    for one in (frozen, exported, nn.Sequential(frozen)):
        for engine in ENGINES:
            torch.testing.assert_close(Explainer(one, engine=engine).at(image).jacobian(PIXELS, target=0), expected)


def test_pytorch_keeps_nothing_of_a_trace() -> None:
    explainer = Explainer(nn.Sequential(nn.Conv2d(3, 1, 3, padding=1), nn.ReLU()), engine="sparse")

    def kept(rows: int) -> tuple[int, int]:
        explainer.at(torch.rand(3, rows, 8)).maps([(2, 2)], zeros=lambda _: None)
        return len(linecache.cache), len(FakeTensorMode.cache)

    assert kept(8) == kept(9) == kept(10)
