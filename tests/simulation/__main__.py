"""`python -m tests.simulation [--seeds 1000] [--first 0] [--videos 200] [--processes 2]`, or `make simulate`.

A line for each batch of seeds. A seed that ends wrong is printed with what was wrong and how to replay it.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from time import monotonic

import psycopg

from pipeline.database.migrate import migrate
from pipeline.embedded.postgres import open_postgres
from pipeline.embedded.supervisor import open_supervisor
from tests.fixtures.scratch import open_scratch
from tests.fixtures.servers import FAST, with_database
from tests.simulation.database import install_clock
from tests.simulation.seeds import Result, run_batch, take_database

BATCH = 10
# A throw-away server, whose only clients are on its own machine and look at no statistics.
SERVER = {
    **FAST,
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "track_activities": "off",
    "track_counts": "off",
    "update_process_title": "off",
    "wal_level": "minimal",
}
TEMPLATE = "simulated"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    batches = [seeds[at : at + BATCH] for at in range(0, len(seeds), BATCH)]
    failed: list[int] = []
    total: Counter[str] = Counter()
    done, begun_s = 0, monotonic()
    with _databases(min(options.processes, len(batches))) as urls:
        # Forked processes would share the supervisor's own pipes.
        context = get_context("spawn")
        free = context.Queue()
        for url in urls:
            free.put(url)
        with ProcessPoolExecutor(len(urls), mp_context=context, initializer=take_database, initargs=(free,)) as pool:
            runs = {pool.submit(run_batch, batch, options.videos): batch for batch in batches}
            for run in as_completed(runs):
                results = run.result()
                done += len(results)
                print(f"{done} of {len(seeds)} seeds after {monotonic() - begun_s:.0f} s", end="; ")
                _print_batch(results, options.videos)
                failed += [result.seed for result in results if result.wrong]
                for result in results:
                    total += result.tally
    print(f"{len(seeds)} seeds of {options.videos} videos: {_figures(total)}; {len(failed)} seeds ended wrong")
    for seed in sorted(failed):
        print(f"  {_replay(seed, options.videos)}")
    return 1 if failed else 0


@contextmanager
def _databases(number: int) -> Iterator[list[str]]:
    with (
        open_scratch("academy-simulation-") as folder,
        open_supervisor(folder) as supervisor,
        open_postgres(supervisor, options=SERVER) as url,
    ):
        names = [f"{TEMPLATE}_{at}" for at in range(number)]
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
            migrate(with_database(url, TEMPLATE))
            install_clock(with_database(url, TEMPLATE))
            for name in names:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield [with_database(url, name) for name in names]


def _print_batch(results: list[Result], videos: int) -> None:
    tally: Counter[str] = Counter()
    for result in results:
        tally += result.tally
    wrong = sum(bool(result.wrong) for result in results)
    print(f"seeds {results[0].seed}-{results[-1].seed}: {_figures(tally)}; {wrong} wrong", flush=True)
    for result in results:
        for line in result.wrong:
            print(f"  seed {result.seed}: {line}")
        if result.wrong:
            print(f"  replay: {_replay(result.seed, videos)}", flush=True)


def _replay(seed: int, videos: int) -> str:
    return f"make simulate SEEDS=1 FIRST={seed} VIDEOS={videos}"


def _figures(tally: Counter[str]) -> str:
    shown = ("READY", "FAILED", "PENDING", "arrays", "extra Batch jobs", "faults")
    return ", ".join(f"{tally[name]} {name}" for name in shown)


if __name__ == "__main__":
    sys.exit(main())
