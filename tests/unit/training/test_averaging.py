"""The average follows by the formula, from a short memory to a long one."""

import torch

from segdepth.networks import Network
from segdepth.tasks import create_network
from segdepth.training.averaging import AveragedNetwork


def network(seed: int) -> Network:
    torch.manual_seed(seed)
    return create_network("segnet", "depth", width=0.125)


def set_all(net: Network, value: float) -> None:
    with torch.no_grad():
        for tensor in (*net.parameters(), *net.buffers()):
            tensor.fill_(value)


def test_weights_move_by_their_share_of_the_distance() -> None:
    net = network(0)
    averaged = AveragedNetwork(net, 0.6)
    expected = {name: parameter.detach().double() for name, parameter in net.named_parameters()}
    for step in range(1, 20):
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(torch.randn_like(parameter))
        averaged.update(net, step)
        decay = min(0.6, step / (9 + step))  # 0.6 from step 14 on
        for name, parameter in net.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * parameter.detach().double()
    for name, parameter in averaged.net.named_parameters():
        torch.testing.assert_close(parameter, expected[name].float(), rtol=1e-4, atol=1e-5)


def test_the_random_start_is_soon_forgotten() -> None:
    net = network(0)
    set_all(net, 0.0)
    averaged = AveragedNetwork(net, 0.999)
    set_all(net, 1.0)
    for step in range(1, 11):
        averaged.update(net, step)
    lowest = min(float(parameter.min()) for parameter in averaged.net.parameters())
    assert lowest > 0.9999  # with 0.999 throughout it would be 0.01


def test_statistics_are_copied_and_the_copy_is_apart() -> None:
    net = network(0)
    averaged = AveragedNetwork(net, 0.9)
    own = [parameter.clone() for parameter in averaged.net.parameters()]
    set_all(net, 3.0)
    assert all(torch.equal(a, b) for a, b in zip(own, averaged.net.parameters(), strict=True))
    averaged.update(net, 1)
    assert all((buffer == 3).all() for buffer in averaged.net.buffers())
    assert not any(parameter.requires_grad for parameter in averaged.net.parameters())
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_it_goes_on_where_it_was() -> None:
    net = network(0)
    first, second = AveragedNetwork(net, 0.9), AveragedNetwork(network(1), 0.9)
    set_all(net, 2.0)
    first.update(net, 1)
    second.load_state_dict({name: tensor.clone() for name, tensor in first.state_dict().items()})
    for one in (first, second):
        one.update(net, 2)
    for a, b in zip(first.net.parameters(), second.net.parameters(), strict=True):
        assert torch.equal(a, b)
