"""500 progress reads a second for 10 s, against a running `academy up`: rate, statuses, latencies, SQL statements.

    python benchmarks/progress_reads.py [--rate 500] [--seconds 10] [--connections 16]

The load is open: each read has its moment on a fixed schedule, whether or not earlier ones have been answered, and its
latency counts from that moment. So a server that stalls is charged for every read that had to wait, which a closed loop
would leave out (Tene, "coordinated omission"). The statements are what Postgres itself counts, less what an idle stack
of the same length executes.
"""

import argparse
import asyncio
import json
import math
import platform
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import uvloop

from cli.api import Api
from cli.connection import find_connection
from pipeline.embedded.postgres import DATABASE, ROLE
from pipeline.errors import AcademyError
from pipeline.settings import Settings

ANSWER_WITHIN_S = 10.0
# Opens every connection, and has a cold cache filled, before anything is counted.
WARM_UP_S = 1.0
# Postgres tells its counters to others at most once a second.
STATISTICS_SETTLE_S = 1.5


@dataclass
class Result:
    """Latencies in milliseconds, from the scheduled moment to the last byte of the answer."""

    scheduled: int
    answered: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    # How late reads were sent: what the schedule lost to this program itself or to busy connections.
    lateness_ms: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed (nearest rank); NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class Line:
    """A keep-alive HTTP/1.1 connection. The answers' bodies have a Content-Length, as this API's do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def get(self, request: bytes) -> int:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
        await self._reader.readexactly(length)
        return int(lines[0].split(b" ")[1])

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def open_lines(host: str, port: int, count: int) -> AsyncIterator[asyncio.Queue[Line]]:
    """A queue of free connections."""
    lines = [Line(*await asyncio.open_connection(host, port)) for _ in range(count)]
    free: asyncio.Queue[Line] = asyncio.Queue()
    for line in lines:
        free.put_nowait(line)
    try:
        yield free
    finally:
        for line in lines:
            line.close()


async def load(free: asyncio.Queue[Line], request: bytes, *, rate: float, seconds: float) -> Result:
    """Send the reads at their moments and collect their ends."""
    loop = asyncio.get_running_loop()
    result = Result(scheduled=round(rate * seconds))

    async def read(moment: float) -> None:
        line = await free.get()
        result.lateness_ms.append((loop.time() - moment) * 1000)
        try:
            status = str(await asyncio.wait_for(line.get(request), ANSWER_WITHIN_S))
            result.answered += 1
            result.latencies_ms.append((loop.time() - moment) * 1000)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            # The connection is of no more use, and the reads that find no other one will say so by their latency.
            line.close()
            status = type(error).__name__
        else:
            free.put_nowait(line)
        result.statuses[status] += 1

    start = loop.time() + 0.05
    reads = []
    for number in range(result.scheduled):
        moment = start + number / rate
        if (pause := moment - loop.time()) > 0:
            await asyncio.sleep(pause)
        reads.append(asyncio.create_task(read(moment)))
    done, late = await asyncio.wait(reads, timeout=ANSWER_WITHIN_S)
    for task in late:
        task.cancel()
    result.statuses["unanswered"] += len(late)
    for task in done:
        task.result()
    result.elapsed_s = loop.time() - start
    return result


@dataclass(frozen=True)
class SqlCounters:
    """Of the whole database. A statement outside a transaction is a transaction of its own."""

    transactions: int
    rows_read: int

    def __sub__(self, other: "SqlCounters") -> "SqlCounters":
        return SqlCounters(self.transactions - other.transactions, self.rows_read - other.rows_read)


def read_sql_counters(database_url: str | None) -> SqlCounters | None:
    """None where it is not known which database it is."""
    if database_url is None:
        return None
    time.sleep(STATISTICS_SETTLE_S)
    query = (
        "SELECT sum(xact_commit + xact_rollback), sum(tup_returned + tup_fetched) "
        "FROM pg_stat_database WHERE datname = current_database()"
    )
    with psycopg.connect(database_url, connect_timeout=5, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return SqlCounters(int(row[0]), int(row[1]))


def find_database_url(data: Path) -> str | None:
    """DATABASE_URL, else the embedded Postgres of the data folder; None where there is neither."""
    settings = Settings(academy_data=data)
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    try:
        port = json.loads((data / "ports.json").read_text())["postgres"]
        password = json.loads((data / "secrets.json").read_text())["postgres_role"]
    except (OSError, KeyError):
        return None
    return f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}"


def request_bytes(address: str, path: str, token: str) -> bytes:
    host = urlsplit(address).netloc
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


@dataclass(frozen=True)
class Load:
    """What is read, how often, and over how many connections."""

    address: str
    request: bytes
    rate: float
    connections: int

    async def run(self, seconds: float) -> Result:
        parts = urlsplit(self.address)
        assert parts.hostname is not None
        async with open_lines(parts.hostname, parts.port or 80, self.connections) as free:
            return await load(free, self.request, rate=self.rate, seconds=seconds)


@dataclass(frozen=True)
class Measured:
    """`client_cores` is the share of a core that this program used: near 1, it measures itself."""

    result: Result
    client_cores: float
    sql_loaded: SqlCounters | None
    sql_idle: SqlCounters | None


def measure(load: Load, *, seconds: float, database_url: str | None) -> Measured:
    uvloop.run(load.run(WARM_UP_S))
    first = read_sql_counters(database_url)
    time.sleep(seconds)
    second = read_sql_counters(database_url)
    used = time.process_time()
    result = uvloop.run(load.run(seconds))
    client_cores = (time.process_time() - used) / result.elapsed_s
    third = read_sql_counters(database_url)
    if first is None or second is None or third is None:
        return Measured(result, client_cores, None, None)
    return Measured(result, client_cores, sql_loaded=third - second, sql_idle=second - first)


def report(measured: Measured, load: Load) -> str:
    result = measured.result
    failed = {status: count for status, count in result.statuses.items() if status != "200" and count}
    cores, busy = psutil.cpu_count(), psutil.getloadavg()[0]
    rate = result.answered / result.elapsed_s
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}  {cores} cores, Python {platform.python_version()}, load average {busy:.1f}",
        f"scheduled   {result.scheduled} reads at {load.rate:g}/s over {load.connections} connections",
        f"answered    {result.answered} at {rate:.0f}/s; 200: {result.statuses['200']}, others: {failed or 'none'}",
        "latency     " + _spread(result.latencies_ms) + "   from the scheduled moment",
        "sent late   " + _spread(result.lateness_ms) + f"   this program used {measured.client_cores:.2f} of a core",
    ]
    if measured.sql_loaded is not None and measured.sql_idle is not None:
        beyond = measured.sql_loaded.transactions - measured.sql_idle.transactions
        lines.append(
            f"SQL         {measured.sql_loaded.transactions} transactions under load, "
            f"{measured.sql_idle.transactions} idle in the same time: {beyond:+} for {result.scheduled} reads"
        )
    else:
        lines.append("SQL         not counted: set DATABASE_URL")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    shares = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    return "  ".join(f"{name} {percentile(values, share):.1f} ms" for name, share in shares)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=500, help="reads a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--video", help="a video's ID; else the newest one")
    parser.add_argument("--tenant", default=None)
    arguments = parser.parse_args()
    try:
        connection = find_connection(tenant=arguments.tenant)
        with Api(connection) as api:
            video_id = arguments.video or next(iter(api.videos(limit=1).rows), {"id": None})["id"]
    except AcademyError as error:
        print(error, file=sys.stderr)
        return 1
    if video_id is None:
        print("no video to read the progress of: upload one with `academy videos upload FILE`", file=sys.stderr)
        return 1
    path = f"/api/v1/media/videos/{video_id}/progress"
    load = Load(
        address=connection.api_url,
        request=request_bytes(connection.api_url, path, connection.token),
        rate=arguments.rate,
        connections=arguments.connections,
    )
    database_url = find_database_url(Settings().academy_data.expanduser())
    measured = measure(load, seconds=arguments.seconds, database_url=database_url)
    print(report(measured, load))
    return 0 if measured.result.statuses["200"] == measured.result.scheduled else 1


if __name__ == "__main__":
    sys.exit(main())
