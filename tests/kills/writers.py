"""The same command twice at once on one folder: one works; the other is refused with a sentence, or does no harm."""

import random
import sys
import time

import processes

from .campaign import Campaign, begin, parser_of, say
from .jobs import JOBS, differences, litter, missing_input

__all__ = ["two_writers"]


def two_writers(campaign: Campaign, verb: str, apart: float) -> tuple[str, list[str]]:
    """Start a command, and once more.

    Args:
        campaign: whose folder and inputs.
        verb: of the command.
        apart: what share of its usual duration lies between the two.

    Returns:
        How they ended, and what is wrong; nothing if all is well.
    """
    expected, seconds = campaign.undisturbed(verb, processes.split_off, False)
    output, log = campaign.empty(verb)
    running = []
    for number in range(2):
        running.append(
            processes.split_off(JOBS[verb].arguments(campaign.inputs, output), log.with_suffix(f".{number}"))
        )
        time.sleep(apart * seconds * (1 - number))
    codes = [one.wait() for one in running]
    wrong = []
    for number, code in enumerate(codes):
        said = log.with_suffix(f".{number}").read_text()
        if code not in (0, 2) or (code == 2 and "is in use by process" not in said) or "Traceback" in said:
            wrong.append(f"writer {number} ends with {code}: {said.strip().splitlines()[-1:]}")
    if 0 not in codes:
        wrong.append("none worked")
    else:
        wrong += [f"differs: {name}" for name in differences(expected, JOBS[verb].results(output))]
        wrong += [f"left: {name}" for name in litter(output)]
    return " and ".join("done" if code == 0 else "refused" for code in codes), wrong


def main() -> None:
    """Pairs of writers of each verb, at random distances; print how each ended."""
    asked = parser_of(__doc__, 5, "pairs of each verb").parse_args()
    campaign = Campaign(begin(asked, "writers"), asked.seed)
    distances, until, failed = random.Random(asked.seed), time.monotonic() + asked.seconds, False
    for _ in range(asked.count):
        for verb in (verb for verb in asked.verbs if not missing_input(verb)):
            if time.monotonic() < until:
                ended, wrong = two_writers(campaign, verb, distances.choice((0.0, distances.uniform(0, 1))))
                say(f"{verb}: {ended}: {'; '.join(wrong) or 'the same'}")
                failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
