"""The group of processes that one command runs in, as ``torchrun`` describes it to each of them."""

import os

__all__ = ["local_size", "nodes", "rank", "world_size"]


def rank() -> int:
    """This process's number in the group, from 0; 0 outside a group."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """Processes in the group; 1 outside one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_size() -> int:
    """Processes of the group on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def nodes() -> int:
    """Machines in the group."""
    return int(os.environ.get("GROUP_WORLD_SIZE", str(max(1, world_size() // local_size()))))
