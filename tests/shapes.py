"""The runtime checker of shapes and types in the tests: beartype, with ints where floats are asked for, as PEP 484 has it."""

from beartype import BeartypeConf, beartype

__all__ = ["check"]

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
