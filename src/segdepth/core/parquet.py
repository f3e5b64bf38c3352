"""Tables in Parquet files, with checksums."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import DataError, reason
from .files import replacing
from .reading import require_file

__all__ = ["read_parquet", "write_parquet"]

#: How many times its size a file may take in memory, and what every one may: what is packed can claim anything.
_TIMES, _FREE = 200, 2**25


def read_parquet(path: Path, what: str) -> tuple[pa.Table, dict[str, str]]:
    """A table, and the words that were written beside it.

    Args:
        path: of the file.
        what: it should be, for messages.

    Raises:
        DataError: if it is missing, damaged, or claims more memory than fits its size.
    """
    try:
        with (  # open: Arrow takes a path with a colon for an address
            require_file(path, what).open("rb") as data,
            pq.ParquetFile(data, page_checksum_verification=True) as file,
        ):
            head = file.metadata
            claimed = sum(head.row_group(k).total_byte_size for k in range(head.num_row_groups))
            if not 0 <= claimed <= max(_FREE, _TIMES * path.stat().st_size):
                raise DataError(f"{path} is damaged: it says that it takes {claimed} bytes")
            table = file.read(use_threads=False)
        table.validate(full=True)
        words = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    except DataError:
        raise
    except Exception as error:  # of what is damaged, Arrow raises whatever it stumbles on
        raise DataError(f"{path} is damaged, or not {what}: {reason(error)[:200]}") from None
    return table, words


def write_parquet(path: Path, table: pa.Table, words: Mapping[str, str]) -> None:
    """Write a table, and words beside it, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as data:
        pq.write_table(table.replace_schema_metadata(dict(words)), data, compression="zstd", write_page_checksum=True)
