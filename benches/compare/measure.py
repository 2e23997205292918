"""Runs the rows of one system once and appends what they gave to a file of JSON lines.

    measure.py SYSTEM ROUND WORK RESULTS

WORK is the directory in which `run.sh` has started the system. A row that fails, or that takes far too long, is
recorded with its reason: a missing figure must not look like a row that nobody thought of.
"""

import csv
import io
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rows import ROWS

HERE = Path(__file__).resolve().parent
SECONDS = float(os.environ.get("SECONDS_EACH", "2"))
# Between any two rows the bare disk is measured for so long.
PROBE_SECONDS = 0.25
# Nothing that works takes so long, even where the disk is slow.
PATIENCE = 60 + 10 * SECONDS


class NotMeasured(Exception):
    """Why there is no figure."""


def run(arguments, **more):
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False, **more)
    except subprocess.TimeoutExpired as error:
        raise NotMeasured(f"took longer than {PATIENCE:.0f} s") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotMeasured(f"ended with {done.returncode}: {said[-1] if said else 'no word'}")
    return done.stdout


def percentiles(milliseconds):
    ordered = sorted(milliseconds)
    pick = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return {"p50": pick(0.5), "p99": pick(0.99)}


def loop(operation, seconds=SECONDS):
    """Repeats an operation for so long."""
    took, start = [], time.perf_counter()
    now = start
    while now - start < seconds:
        operation(len(took))
        before, now = now, time.perf_counter()
        took.append((now - before) * 1e3)
    return {"operations_per_second": len(took) / (now - start), "latency_ms": percentiles(took)}


def measure_floor(row, work):
    return write_and_sync(work, row.detail, row.id.endswith("-grow"), SECONDS)


def write_and_sync(work, size, grows, seconds):
    """The same calls that every system here ends in, and nothing else."""
    path, block, slots = work / "floor", os.urandom(size), 256
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if not grows:
            os.pwrite(file, os.urandom(size * slots), 0)
            os.fsync(file)

        def once(number):
            os.pwrite(file, block, (number if grows else number % slots) * size)
            os.fdatasync(file)

        return loop(once, seconds)
    finally:
        os.close(file)
        path.unlink()


def measure_postgresql(row, work):
    if row.group == "transfer":
        script = HERE / "transfer.pgbench"
    elif row.elements == 1:
        script = HERE / "append.pgbench"
    else:
        # One statement of many rows, which differ.
        set_lines, insert = (HERE / "append.pgbench").read_text().split("INSERT", 1)
        head, values = insert.rsplit(" VALUES ", 1)
        script = work / "append-rows.pgbench"
        rows = [values.strip().rstrip(";").replace("176.25", f"{176 + n / 100:.2f}") for n in range(row.elements)]
        script.write_text(f"{set_lines}INSERT{head} VALUES {', '.join(rows)};\n")
    logs = work / "pgbench"
    arguments = ["pgbench", "--host", work / "postgresql", "--username", "bench", "--no-vacuum"]
    arguments += ["--protocol", "prepared", "--client", row.clients, "--jobs", min(row.clients, 2)]
    arguments += ["--time", max(1, round(SECONDS)), "--file", script]
    # A quarter of the times, so that writing them down does not get in the way of the disk.
    arguments += ["--log", "--log-prefix", logs / "log", "--sampling-rate", "0.25", "postgres"]
    logs.mkdir()
    try:
        said = run([str(argument) for argument in arguments])
        lines = [line.split() for log in logs.iterdir() for line in log.read_text().splitlines()]
    finally:
        for log in logs.iterdir():
            log.unlink()
        logs.rmdir()
    rate = re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE)
    if rate is None or not lines:
        raise NotMeasured("pgbench named no rate")
    return {
        "operations_per_second": float(rate.group(1)),
        "latency_ms": percentiles([int(line[2]) / 1e3 for line in lines]),
    }


def measure_redis(row, work):
    """redis-benchmark counts commands and not seconds, so it runs in short pieces until the time is over."""
    socket = str(work / "redis" / "socket")
    order = "XADD orders * account 4711 operation buy stock_name AAPL quantity 300 price 176.25 currency USD"
    base = ["redis-benchmark", "-s", socket, "-c", str(row.clients), "-P", str(row.detail), "--csv"]
    at_once = row.clients * row.detail
    count, pieces, start = 20 * at_once, [], time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        said = run([*base, "-n", str(count), *order.split()])
        # The first column is the command, whose text may hold anything; the figures are counted from the end.
        *_, last = csv.reader(io.StringIO(said))
        rate, p50, p99 = float(last[-7]), float(last[-4]), float(last[-2])
        pieces.append((count, count / rate, p50, p99))
        count = max(4 * at_once, int(rate * SECONDS / 8))
    run(["redis-cli", "-s", socket, "DEL", "orders"])
    return {
        "operations_per_second": sum(piece[0] for piece in pieces) / sum(piece[1] for piece in pieces),
        "latency_ms": {
            "p50": statistics.median(piece[2] for piece in pieces),
            "p99": statistics.median(piece[3] for piece in pieces),
        },
    }


def measure_sqlite(row, work):
    path = work / "orders.sqlite"
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, placed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,"
            " account INTEGER NOT NULL, operation TEXT NOT NULL, stock_name TEXT NOT NULL,"
            " quantity INTEGER NOT NULL CHECK (quantity > 0), price TEXT NOT NULL, currency TEXT NOT NULL)"
        )
        insert = (
            "INSERT INTO orders (account, operation, stock_name, quantity, price, currency)"
            " VALUES (?, 'buy', 'AAPL', ?, '176.25', 'USD')"
        )

        def one(number):
            database.execute(insert, (number % 10_000, number % 900 + 1))

        def many(number):
            database.execute("BEGIN")
            database.executemany(insert, ((number % 10_000, n + 1) for n in range(row.elements)))
            database.execute("COMMIT")

        return loop(one if row.elements == 1 else many)
    finally:
        database.close()
        for file in work.glob("orders.sqlite*"):
            file.unlink()


def measure_ledgerd(row, _):
    """The load generator of ledgerctl. This is the one place that knows its arguments and its names."""
    ledgerctl = os.environ["LEDGERCTL"]
    if subprocess.run([ledgerctl, "bench", "--help"], capture_output=True, check=False).returncode != 0:
        raise NotMeasured("this ledgerctl has no load generator")
    arguments = [ledgerctl, "bench", "--json", "--connections", row.clients, "--commands", row.detail]
    arguments += ["--orders-per-command", row.elements, "--inflight", 1]
    if row.group == "transfer":
        arguments.append("--payments")
    if row.device_keys:
        arguments.append("--device-keys")
    figures = json.loads(run([str(argument) for argument in arguments]))
    return {
        "operations_per_second": figures["commands_per_second"],
        "latency_ms": {"p50": figures["p50_us"] / 1e3, "p99": figures["p99_us"] / 1e3},
        "generator_bound": figures["generator_bound"],
        "report": figures,
    }


MEASURES = {
    "floor": measure_floor,
    "postgresql": measure_postgresql,
    "redis": measure_redis,
    "sqlite": measure_sqlite,
    "ledgerd": measure_ledgerd,
}


def main():
    system, number, work, results = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    probe = lambda: write_and_sync(work, 512, False, PROBE_SECONDS)["operations_per_second"]
    before = probe()
    for row in (row for row in ROWS if row.system == system):
        result = {"round": number, "row": row.id}
        try:
            result |= MEASURES[system](row, work)
            text = f"{result['operations_per_second']:>10.0f} a second"
        except (NotMeasured, KeyError, ValueError, OSError, sqlite3.Error) as error:
            result["not_measured"] = f"{error}" if isinstance(error, NotMeasured) else f"{error!r}"
            text = f"not measured: {result['not_measured']}"
        # A disk that others use as well is fast now and slow then: each figure is kept with what the bare disk did
        # right before and right after it.
        after = probe()
        result["floor"], before = (before + after) / 2, after
        print(f"  round {number}  {row.id:<22} {text}", file=sys.stderr, flush=True)
        with results.open("a") as file:
            file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
