"""What one page holds at most; the front is told of it in its session."""

from segdepth.core.errors import InputError

__all__ = ["MOST_BYTES", "MOST_NETWORKS", "MOST_PIXELS", "check_networks"]

#: Networks beside each other.
MOST_NETWORKS = 4

#: Bytes of a file that is dropped, and pixels of its picture.
MOST_BYTES, MOST_PIXELS = 32 << 20, 24_000_000


def check_networks(count: int) -> None:
    """Refuse none, and more than stand beside each other.

    Args:
        count: of networks.

    Raises:
        InputError: if there are too few or too many.
    """
    if not 1 <= count <= MOST_NETWORKS:
        raise InputError(f"give one to {MOST_NETWORKS} networks, not {count}")
