"""Prints what the Parquet files on stdin declare, a line of JSON per file; run as a program of its own.

Some damaged files end the process that asks pyarrow for the sizes of their columns (an exception of C++ that nobody
catches), so no process with a training run in it may ask.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def describe(path: str) -> dict[str, Any]:
    """Returns the names of a file's columns, the texts among its leaves, and values and bytes of each column."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        leaves = [file.schema.column(index) for index in range(len(file.schema))]
        found: dict[str, Any] = {
            "names": list(file.schema_arrow.names),
            "texts": [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"],
            "values": {},
            "bytes": {},
        }
        for number in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(number)
            for index in range(group.num_columns):
                chunk = group.column(index)
                name = chunk.path_in_schema.split(".")[0]
                for key, count in (("values", chunk.num_values), ("bytes", chunk.total_uncompressed_size)):
                    found[key][name] = found[key].get(name, 0) + int(count)
    return found


if __name__ == "__main__":
    for file_name in json.load(sys.stdin):
        try:
            line = describe(file_name)
        except Exception as error:  # whatever it is, the line tells it
            line = {"error": (str(error).splitlines() or [type(error).__name__])[0][:120]}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
