"""The front page of a network's folder or repository."""

from huggingface_hub import ModelCardData

from .card import Card
from .guests import PACKAGES, is_address
from .outputs import OUTPUTS

__all__ = ["model_page"]


def model_page(card: Card) -> str:
    """A front page in the hub's form: metadata for its search, then what a reader wants to know."""
    tags = ["segdepth", card.arch.replace(":", "-"), card.task]
    data = ModelCardData(library_name="segdepth", pipeline_tag=OUTPUTS[card.output].pipeline, tags=tags)
    options = ", ".join(f"`{name}: {_short(value)}`" for name, value in card.options.items()) or "none"
    size = "at an unknown size" if card.input_size is None else "at {} rows, {} columns".format(*card.input_size)
    output = OUTPUTS[card.output]
    answer = f"{card.out_channels} classes" if output.answers.names_classes else output.answers.units[0]
    scores = [f"| {name} | {value:.4f} |" for name, value in card.scores.items() if value is not None]
    lines = [
        f"---\n{data.to_yaml()}\n---\n",
        f"# {card.arch}, {card.task}\n",
        f"Answers {answer}. Trained {size}; {_preprocessing_words(card)}; options: {options}.\n",
        "```python",
        "from segdepth.networks import Network\n",
        f'net = Network.from_pretrained("this repository or folder"{_needed(card)})',
        'net.predict("street.png")',
        "```\n",
        *_guest_words(card),
        *(
            ["| score | value |", "| --- | --- |", *scores, "\n| protocol | |", "| --- | --- |", *_protocol_rows(card)]
            if scores
            else ()
        ),
    ]
    return "\n".join(lines) + "\n"


#: Letters of an option's value; a whole configuration of another library is longer.
_SHORT = 80


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHORT else "see config.json"


def _protocol_rows(card: Card) -> list[str]:
    """How the scores were taken, but for what is empty."""
    return [
        f"| {name.replace('_', ' ')} | {'x'.join(map(str, value)) if name == 'network_size' else value} |"
        for name, value in (card.protocol or {}).items()
        if value not in (None, [], {})
    ]


def _preprocessing_words(card: Card) -> str:
    given = card.preprocessing
    return f"pictures are {given.order} / {given.scale:g}, less {list(given.mean)}, by {list(given.std)}"


def _needed(card: Card) -> str:
    """What has to be said to load a network, behind where it is."""
    if card.guest is None or card.arch.partition(":")[0] in PACKAGES:
        return ""
    return f", allow=[{card.arch!r}]" if is_address(card.arch) else ", module=module"


def _guest_words(card: Card) -> list[str]:
    """What a reader has to have, or to allow, to load a network of somebody else."""
    if card.guest is None:
        return []
    library = card.arch.partition(":")[0]
    if library in PACKAGES:
        return [f"Needs `pip install 'segdepth[{library}]'`; nothing else is downloaded.\n"]
    if is_address(card.arch):
        return [
            f"Made by code that is not in this repository, `{card.arch}`, which has to be installed and is run only where it is "
            f"allowed: `allow=` as above, or `--allow-code {card.arch}`.\n"
        ]
    return [
        f"`module` is a `{card.arch}`, as it was built before it was trained; without it the name has to be registered first: "
        f"`segdepth.register({card.arch!r}, build)`.\n"
    ]
