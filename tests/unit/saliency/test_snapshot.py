"""Whatever a forward pass writes into a network's modules is put back, by identity and by value."""

from collections import deque
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segdepth.saliency.snapshot import Snapshot


class Noting(nn.Module):
    """Holds one of everything that a module may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)
        self.register_buffer("counter", torch.zeros(3))
        self.loose = torch.ones(2)
        self.seen: list[Any] = [1]
        self.table: dict[str, Any] = {"a": 1, "b": 2}
        self.kinds, self.queue = {"x"}, deque([1, 2], maxlen=3)
        self.told: Any = None


def held(net: Noting) -> dict[str, Any]:
    """What stands in it, by identity where it is no container."""
    return {
        "attributes": {name: id(value) for name, value in vars(net).items()},
        "buffers": {name: (id(t), t.tolist()) for name, t in net.named_buffers()},
        "loose": net.loose.tolist(),
        "containers": [list(net.seen), list(net.table.items()), set(net.kinds), list(net.queue), net.queue.maxlen],
        "modes": [module.training for module in net.modules()],
    }


def _attribute(net: Noting) -> None:
    net.told = "of this picture"
    net.more = 3
    del net.seen


def _containers(net: Noting) -> None:
    net.seen.append(2)
    net.table.pop("a")
    net.table["a"] = 1  # the same content in another order
    net.kinds.clear()
    net.queue.extend([3, 4])


def _tensors(net: Noting) -> None:
    net.counter.add_(1)
    net.loose[0] = 7
    net.norm.running_mean.fill_(5)


def _statistics(net: Noting) -> None:
    net.train()
    net.norm(torch.rand(1, 2, 4, 4))


def _replaced(net: Noting) -> None:
    net.counter = torch.ones(3)
    net.loose = torch.zeros(2)
    net.table = {}


@pytest.mark.parametrize("change", [_attribute, _containers, _tensors, _statistics, _replaced])
def test_everything_is_put_back(change: Any) -> None:
    net = Noting().eval()
    before, snapshot = held(net), Snapshot(net)
    change(net)
    snapshot.restore()
    assert held(net) == before


def test_nothing_is_written_where_nothing_has_changed() -> None:
    net = Noting()
    snapshot, versions = Snapshot(net), [t._version for t in (net.counter, net.loose, net.norm.running_mean)]
    snapshot.restore()
    assert [t._version for t in (net.counter, net.loose, net.norm.running_mean)] == versions


def test_weights_are_nobody_s_to_put_back() -> None:
    net = Noting()
    snapshot = Snapshot(net)
    with torch.no_grad():
        net.conv.weight.fill_(3)
    snapshot.restore()
    assert (net.conv.weight == 3).all()


def test_statistics_alone_are_put_back_and_named() -> None:
    net = Noting().train()
    snapshot = Snapshot(net)
    mean = net.norm.running_mean.clone()
    net.norm(torch.rand(1, 2, 4, 4))
    net.counter.add_(1)
    assert snapshot.restore_statistics() == ["BatchNorm2d 'norm'"]
    assert torch.equal(net.norm.running_mean, mean)
    assert net.norm.num_batches_tracked == 0
    assert (net.counter == 1).all()
    assert Snapshot(net).restore_statistics() == []


def test_a_backward_pass_may_follow_statistics_that_were_put_back() -> None:
    norm = nn.BatchNorm2d(2).train()
    snapshot, x = Snapshot(norm), torch.rand(2, 2, 4, 4, requires_grad=True)
    y = norm(x)
    assert snapshot.restore_statistics()
    y.square().sum().backward()
    assert x.grad is not None


def test_modes_alone_are_put_back() -> None:
    net = Noting().eval()
    net.norm.train()
    snapshot = Snapshot(net)
    net.train()
    net.told = 1
    snapshot.restore_modes()
    assert [module.training for module in net.modules()] == [False, False, True]
    assert net.told == 1


class Ready(nn.Module):
    """Makes something ready at its first pass."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what, self.later, self.tables, self.count = what, None, {}, 0

    def forward(self, x: Tensor) -> Tensor:
        if self.what == "attribute":
            self.later = x.shape
        elif self.what == "new":
            self.brand_new = 1
        elif self.what == "table":
            self.tables[x.shape] = 1
        elif self.what == "part":
            self.inner = nn.Identity()
        elif self.what == "hook":
            self.register_forward_hook(lambda *_: None)
        else:
            self.count += 1
        return x


@pytest.mark.parametrize("what", ["attribute", "new", "table", "part", "hook", "count"])
def test_a_network_that_makes_itself_ready_is_seen(what: str) -> None:
    net = Ready(what)
    snapshot = Snapshot(net)
    net(torch.rand(1, 3, 2, 2))
    assert snapshot.sees_a_first_pass() == (what != "count")


def test_a_module_of_another_class_is_a_first_pass() -> None:
    net = nn.Sequential(nn.LazyConv2d(2, 1))
    snapshot = Snapshot(net)
    net(torch.rand(1, 3, 2, 2))
    assert snapshot.sees_a_first_pass()
