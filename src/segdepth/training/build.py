"""What a configuration describes: data sets, the network with its start, the loss, the optimizer, the learning rate."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from segdepth.config import Config, config_to_dict
from segdepth.core.errors import ConfigError
from segdepth.core.provenance import provenance
from segdepth.core.words import first_of
from segdepth.data import Dataset
from segdepth.losses import LOSSES
from segdepth.networks import OUTPUTS, Network, build_network, find_weights, is_guest, load_state, read_card
from segdepth.optim import OPTIMIZERS, SCHEDULES, Rate, WarmUp, warmed_up
from segdepth.tasks import TASKS, create_network, with_classes_of

from .learning_rate import LearningRate
from .parameters import base_rates, parameter_groups

__all__ = ["build_learning_rate", "build_loss", "build_network_for", "build_optimizer", "build_rate"]

log = logging.getLogger(__name__)


def build_network_for(
    config: Config, dataset: Dataset, *, source: Path | None = None, given: Network | None = None
) -> Network:
    """The configured network with the data set's classes; its start is ``init_from``, the backbone's weights, or chance.

    Args:
        config: checked.
        dataset: that it learns from.
        source: the checkpoint whose weights will replace all of it, so that none need be fetched; None for a new run.
        given: is trained itself, from the weights that it has, in place of what ``model`` says.

    Raises:
        SegdepthError: if the network cannot be had, is for another task or other classes, or answers what cannot be compared with
            truths, which it would learn from.
    """
    if given is None:
        net = _made(config, dataset, source)
    else:
        _require_fitting(given, config, dataset)
        net = given
    _require_metric(net, config.task)
    if net.card.guest is not None:
        net.card.guest.size.require(config.data.img_rows, config.data.img_cols)
    net = with_classes_of(net, dataset)
    net.card = net.card.model_copy(
        update={
            "input_size": (config.data.img_rows, config.data.img_cols),
            "config": config_to_dict(config),
            "provenance": provenance(config.seed),
        }
    )
    start = config.training.init_from
    if start is not None and source is None:
        _start_from(net, start)
    return net


def _require_metric(net: Network, task: str) -> None:
    """Refuse to teach relative answers: losses and validations compare them with truths as they are."""
    if net.output.answers.is_relative:
        metric = [name for name in TASKS[task].outputs if not OUTPUTS[name].answers.is_relative]
        raise ConfigError(
            f"model: {net.card.arch} answers {net.output.answers.units[0]}, and truths are {net.output.answers.name} in "
            f"metres: say what its numbers shall mean from now on, model.answers: {' or '.join(metric)}"
        )


def _made(config: Config, dataset: Dataset, source: Path | None) -> Network:
    """The network before it has any weights but a backbone's.

    That of a run that goes on is somebody else's as its card has it: what its library was given when the run began, a folder or
    the hub, is asked for nothing again.

    Raises:
        ConfigError: if the run was of another network.
    """
    model = config.model
    if source is not None and is_guest(model.arch):
        card = read_card(source)
        if card.arch != model.arch:
            raise ConfigError(f"training.resume: {str(source)!r} holds {card.arch}, and model.arch is {model.arch}")
        return build_network(card, allow=(model.arch,))
    overwritten = source is not None or config.training.init_from is not None
    return create_network(
        model.arch,
        config.task,
        num_classes=len(dataset.classes) if dataset.classes else 2,
        pretrained=False if overwritten else model.pretrained,
        preprocessing=model.preprocessing,
        answers=model.answers,
        **model.options,
    )


def _require_fitting(net: Network, config: Config, dataset: Dataset) -> None:
    card, classes = net.card, dataset.classes
    if card.task != config.task:
        raise ConfigError(f"task is {config.task!r}, but the network that is given is for {card.task!r}")
    if classes is None or not net.output.answers.names_classes:
        return
    if net.out_channels != len(classes):
        raise ConfigError(
            f"the network that is given answers {net.out_channels} classes, but {config.data.dataset} has {len(classes)}: "
            f"{', '.join(classes.names)}"
        )
    if card.classes is not None and card.classes.names != classes.names:
        raise ConfigError(
            f"the network that is given answers {', '.join(card.classes.names)}, but {config.data.dataset} has "
            f"{', '.join(classes.names)}; where it shall learn these, begin with a new network and training.init_from"
        )


#: Names in a message, before "and N more".
_NAMED = 3


def _start_from(net: Network, source: Path) -> None:
    """Copy the weights of a checkpoint; tensors of another shape (a head with other classes) are left at their start.

    They are read as they lie in the file: the network that they are of is not built, and no code that its card names is run.

    Raises:
        ConfigError: if none fits, batch norm's counters aside, which fit everything.
    """
    own, theirs = net.state_dict(), load_state(find_weights(source))
    fitting = {name: value for name, value in theirs.items() if name in own and own[name].shape == value.shape}
    learned = [name for name in own if not name.endswith(".num_batches_tracked")]  # a counter fits any other
    misfits = [
        f"{name} ({_shape(own[name])} here, {_shape(theirs[name])} there)" if name in theirs else f"{name} (not there)"
        for name in learned
        if name not in fitting
    ]
    found = len(learned) - len(misfits)
    if found == 0:
        raise ConfigError(
            f"training.init_from: nothing in {str(source)!r} fits {net.card.arch} as it is configured: "
            f"{first_of(misfits, _NAMED)}"
        )
    net.load_state_dict(fitting, strict=False)
    if not misfits:
        log.info("init_from: all %d tensors", found)
    elif len(misfits) < found:
        log.info("init_from: %d of %d tensors; left at their start: %s", found, len(learned), first_of(misfits, _NAMED))
    else:
        log.warning(
            "training.init_from: only %d of %d tensors fit; the others are left at their start: %s; is it a network of "
            "another kind or width?",
            found, len(learned), first_of(misfits, _NAMED),
        )  # fmt: skip


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def build_loss(config: Config, channels: int) -> Callable[[Tensor, Tensor], Tensor]:
    """The configured loss as a function of output and target.

    Args:
        config: checked.
        channels: of the network's output, for which there may be class weights.

    Raises:
        ConfigError: if there is not one class weight for each; from the function, if somebody's loss is not one number.
    """
    section = config.training.loss
    assert section is not None  # check_config names the default
    weight = section.options.get("weight")
    if isinstance(weight, Sequence) and len(weight) != channels:
        raise ConfigError(
            f"training.loss.weight has {len(weight)} numbers, but {config.data.dataset} has {channels} classes; "
            "give one for each, in the order of the train ids"
        )
    function, name, options = LOSSES[section.name][TASKS[config.task].target], section.name, section.options

    def loss(output: Tensor, target: Tensor) -> Tensor:
        value: Any = function(output, target, **options)
        if not isinstance(value, Tensor) or value.shape:
            what = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ConfigError(f"training.loss: {name!r} gives {what}; a loss is one number, a tensor of no dimensions")
        return value

    return loss


def build_optimizer(config: Config, net: Network) -> Optimizer:
    """The configured optimizer of the parameters that learn. Its groups' rates are for :func:`build_learning_rate` to set.

    Args:
        config: checked, its precision resolved.
        net: whose frozen parts are frozen already.

    Raises:
        ConfigError: if there is a factor for the backbone of a network that has none, or of a frozen one.
    """
    settings = config.training
    groups = parameter_groups(net, settings.lr_factors)
    optimizer = OPTIMIZERS[settings.optimizer.name](groups, **settings.optimizer.options)
    if settings.precision == "16-mixed":  # the scaler unscales, before gradients are clipped
        optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]
    return optimizer


def build_learning_rate(config: Config, optimizer: Optimizer) -> LearningRate:
    """The configured learning rate of what :func:`build_optimizer` made; warns as :func:`build_rate` does."""
    settings = config.training
    bases = base_rates(settings.optimizer.options["lr"], settings.lr_factors)
    return LearningRate(optimizer, bases, build_rate(config))


def build_rate(config: Config) -> Rate:
    """The configured learning rate as a function of the base rate and the step.

    A schedule that ends before the run, or a warm-up that does not, is warned of.
    """
    section, iterations = config.training.lr_schedule, config.training.train_iters
    assert section is not None  # check_config names the default
    if section.warmup_iters >= iterations:
        log.warning("training.lr_schedule: the warm-up of %d updates is not over when the run ends, after %d",
                    section.warmup_iters, iterations)  # fmt: skip
    end = section.options.get("max_iter")
    if end is not None and end < iterations:
        log.warning("training.lr_schedule: max_iter is %d, the learning rate is 0 from there to the run's end, %d",
                    end, iterations)  # fmt: skip
    rate = SCHEDULES[section.name](iterations, **section.options)
    return warmed_up(rate, WarmUp(section.warmup_iters, section.warmup_mode, section.warmup_factor))
