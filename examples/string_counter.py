"""Counts words in files: map-reduce with the original's names.

python examples/string_counter.py -i multicore -n 2 README.md docs/*.md
"""

import argparse
from collections import Counter
from pathlib import Path

from pymw import interfaces, pymw


def count_words(blocks):  # type: ignore[no-untyped-def]
    """Map: count the words in blocks of files, each [path, first byte, byte after the last]."""
    counts: dict[str, int] = {}
    for path, first, end in blocks:
        with open(path, "rb") as stream:  # noqa: PTH123
            # A word that begins in a block belongs to it: skip what the block before has, read on to its end.
            stream.seek(max(0, first - 1))
            words = stream.read(end - max(0, first - 1))
            while words and not words[-1:].isspace() and (more := stream.read(1)):
                words += more
        if first > 0 and not words[:1].isspace():
            words = words[len(words.split(None, 1)[0]) :]
        for word in words.decode("utf-8", "replace").lower().split():
            counts[word] = counts.get(word, 0) + 1
    return [counts]


def add_up(parts):  # type: ignore[no-untyped-def]
    """Reduce: add up the counts of several maps."""
    total: dict[str, int] = {}
    for counts in parts:
        for word, number in counts.items():
            total[word] = total.get(word, 0) + number
    return total


def main() -> None:
    """Count, and print the most frequent words."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", default=["README.md"], help="text files (default: README.md)")
    parser.add_argument("-w", "--words", type=int, default=10, metavar="N", help="words to print")
    options, _ = interfaces.parse_options(parser)

    master = pymw.PyMW_Master(interface=interfaces.get_interface(options))
    task = pymw.PyMW_MapReduce(master).submit_task_mapreduce(
        count_words,
        add_up,
        num_worker=int(options.n_workers),
        input_data=[[str(Path(name).resolve())] for name in options.files],
        red_worker=1,
        file_input=True,
    )
    _, counts = master.get_result(task)
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    print(f"{sum(total.values()):,} words, {len(total):,} different ones; the most frequent:")
    for word, number in total.most_common(options.words):
        print(f"{number:8,}  {word}")
    print(f"took {task.get_total_time():.2f} s")


if __name__ == "__main__":
    main()
