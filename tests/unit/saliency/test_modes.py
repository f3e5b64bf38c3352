"""Threads take turns at a network; what autograd refuses is told."""

import threading

import pytest
import torch
from torch import Tensor, nn

from segdepth.core.errors import InputError
from segdepth.saliency import Explainer

from .held import ENGINES, PIXELS, Part, held, picture, rows


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_share_an_explainer(engine: str) -> None:
    """The network is in training mode, and what a block reaches depends on the picture."""

    def forward(part: Part, x: Tensor) -> Tensor:
        y = part.drop(x)
        return torch.where(x.mean() > 0.3, y * torch.erfinv(y.clamp(-0.9, 0.9)), torch.sort(y, dim=3)[0])

    net = held(forward, drop=nn.Dropout(0.5)).train()
    pictures = [picture(), picture(1) * 3, picture(2), picture(3) * 0.1]
    expected = [rows(net, image) for image in pictures]
    explainer, wrong = Explainer(net, engine=engine), list[object]()
    shared = explainer.at(pictures[0])

    def work(first: int) -> None:
        try:
            for number in (first, (first + 1) % 4):
                found = explainer.at(pictures[number]).jacobian(PIXELS, target=0)
                if not torch.allclose(found, expected[number]):
                    wrong.append(number)
                if not torch.allclose(shared.jacobian(PIXELS, target=0), expected[0]):
                    wrong.append("shared")
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert all(module.training for module in net.modules())


@pytest.mark.parametrize("engine", [*ENGINES, "batched", "reference"])
def test_what_autograd_refuses_is_one_sentence(engine: str) -> None:
    def overwritten(_: Part, x: Tensor) -> Tensor:
        y = x.sigmoid()
        y.mul_(2)
        return y

    with pytest.raises(InputError, match="PyTorch's autograd cannot take the network's answer back"):
        Explainer(held(overwritten), engine=engine).at(picture()).maps(PIXELS)
    with torch.inference_mode():
        net = held(lambda _, x: x)
    with pytest.raises(InputError, match="Inference tensors cannot be saved"):
        Explainer(net, engine=engine).at(picture()).maps(PIXELS)
