"""What a payload weighs at several settings of zstd, side by side: the reason for those in payload.py.

python benchmarks/payload_levels.py RUNTIME      (a runtime folder, or an app version's payload)
"""

import io
import sys
import tarfile
import time
from pathlib import Path

import zstandard
from pymw_packager.payload import JOB_SIZE, LEVEL, WINDOW_LOG
from rich.console import Console
from rich.table import Table

MEBIBYTE = 1 << 20
# Level, window (log2 of bytes; None: the level's own), long-distance matching, threads (0: no jobs).
SETTINGS: list[tuple[int, int | None, bool, int]] = [
    (3, None, False, 0),
    (12, None, False, 0),
    (19, None, False, 0),
    (LEVEL, 21, False, 0),
    (LEVEL, 22, False, 0),
    (LEVEL, WINDOW_LOG, False, 0),
    (LEVEL, WINDOW_LOG, True, 0),
    (LEVEL, WINDOW_LOG, False, 2),
    (LEVEL, 24, False, 0),
    (LEVEL, 25, False, 0),
    (LEVEL, 27, False, 0),
]


def archive(source: Path) -> bytes:
    """Return the uncompressed archive of a runtime folder, or that inside a payload."""
    if source.is_file():
        with source.open("rb") as file:
            return zstandard.ZstdDecompressor().stream_reader(file).read()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(source.rglob("*")):
            tar.add(path, path.relative_to(source).as_posix(), recursive=False)
    return buffer.getvalue()


def parameters(
    level: int, window: int | None, long_distance: bool, threads: int
) -> zstandard.ZstdCompressionParameters:
    """Return zstd's parameters for a line of the table."""
    options = {} if window is None else {"window_log": window}
    options |= {"threads": threads, "job_size": JOB_SIZE, "overlap_log": 9} if threads else {}
    return zstandard.ZstdCompressionParameters.from_level(level, enable_ldm=long_distance, **options)


def main() -> None:
    """Print the table."""
    plain = archive(Path(sys.argv[1]))
    table = Table(title=f"{sys.argv[1]}: {len(plain):,} bytes", box=None, header_style="bold")
    for column in ("level", "window", "long distance", "threads", "bytes", "of the best", "pack", "unpack"):
        table.add_column(column, justify="right")
    rows = []
    for setting in SETTINGS:
        options = parameters(*setting)
        began = time.perf_counter()
        packed = zstandard.ZstdCompressor(compression_params=options).compress(plain)
        packing, began = time.perf_counter() - began, time.perf_counter()
        zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(packed)
        rows.append((setting, 1 << options.window_log, len(packed), packing, time.perf_counter() - began))
    best = min(row[2] for row in rows)
    for (level, _, long_distance, threads), window, size, packing, unpacking in rows:
        table.add_row(
            str(level),
            f"{window / MEBIBYTE:g} MiB",
            "yes" if long_distance else "no",
            str(threads or 1),
            f"{size:,}",
            f"{size / best:.2%}",
            f"{packing:.1f} s",
            f"{unpacking:.2f} s",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
