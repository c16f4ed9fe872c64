#!/usr/bin/env python3
"""The whole chain: from the first PUBLISH of a day until every cursor stands at its head.

    chain.py [--events N] [--residents N] [--rounds N] [--json FILE]

Each round starts the four services on a fresh data folder, loads the city, publishes the day
through CURVE with receipts, waits until everything is applied, and has the audit prove it. The
publisher is part of the machine's load, as partners are. Prints each round, then median and range;
figures of different machines, or of a machine at different hours, do not compare.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / ".build" / "release"
SERVICES = ["ingestion", "scoring", "rewards", "credit-profile"]
TICKS = os.sysconf("SC_CLK_TCK")


def greenctl(data, *arguments, **options):
    return subprocess.run(
        [PROGRAMS / "greenctl", *arguments], check=True, text=True, capture_output=True,
        env={**os.environ, "GREENSEASON_DATA": str(data)}, **options).stdout


def cpu_seconds(pid):
    """User and system time of a process that still runs (proc(5))."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_megabytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def start(data):
    environment = {
        **os.environ, "GREENSEASON_DATA": str(data), "GREENSEASON_INGESTION_CLOCK": "manual",
        "GREENSEASON_INGESTION_EDGE_PORT": "0"}
    running = {}
    for service in SERVICES:
        log = open(data / f"{service}.log", "w", encoding="utf-8")
        running[service] = subprocess.Popen(
            [PROGRAMS / service], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log)
    greenctl(data, "wait", "--up")
    return running


def round_of(city, events):
    data = pathlib.Path(tempfile.mkdtemp(prefix="gsb-"))
    running = start(data)
    try:
        greenctl(data, "city", "load", str(city))
        before = {name: cpu_seconds(process.pid) for name, process in running.items()}
        began = time.monotonic()
        published = json.loads(greenctl(data, "publish", str(city), "--json"))
        receipts = time.monotonic() - began
        greenctl(data, "wait", "--settled", "--timeout", "600s")
        seconds = time.monotonic() - began
        cpu = {
            name: (cpu_seconds(process.pid) - before[name]) / events * 1e6
            for name, process in running.items()}
        memory = {name: peak_megabytes(process.pid) for name, process in running.items()}
        disk = sum(file.stat().st_size for file in (data / "stores").iterdir()) / events
        greenctl(data, "audit")
        return {
            "events": events, "seconds": seconds, "events_per_second": events / seconds,
            "receipts_seconds": receipts, "cpu_microseconds_per_event": cpu,
            "peak_megabytes": memory, "disk_bytes_per_event": disk,
            "statuses": published["statuses"]}
    finally:
        for process in running.values():
            process.send_signal(signal.SIGKILL)
            process.wait()
        shutil.rmtree(data)


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--residents", type=int, default=50_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=pathlib.Path, help="keep the figures in this file")
    given = options.parse_args()

    with tempfile.TemporaryDirectory(prefix="gsb-city-") as folder:
        city = pathlib.Path(folder) / "city"
        subprocess.run(
            [PROGRAMS / "greenctl", "generate-day", city, "--seed", "1", "--events",
             str(given.events), "--residents", str(given.residents)],
            check=True, stdout=subprocess.DEVNULL)
        with open(city / "day.jsonl", "rb") as day:
            events = sum(1 for line in day if not line.startswith(b'{"clock"'))
        print(f"chain: {events:,} events, {given.residents:,} residents, "
              f"{os.cpu_count()} x {processor()}, {platform.system()} {platform.release()}")
        rounds = []
        for number in range(1, given.rounds + 1):
            figures = round_of(city, events)
            rounds.append(figures)
            print(f"round {number}: {figures['events_per_second']:,.0f} events/s, "
                  f"receipts after {figures['receipts_seconds']:.1f} s, "
                  f"settled after {figures['seconds']:.1f} s", flush=True)

    rates = [figures["events_per_second"] for figures in rounds]
    print(f"chain {statistics.median(rates):,.0f} events/s "
          f"(median of {len(rates)}, {min(rates):,.0f} to {max(rates):,.0f})")
    for name in SERVICES:
        cpu = statistics.median(r["cpu_microseconds_per_event"][name] for r in rounds)
        memory = max(r["peak_megabytes"][name] for r in rounds)
        print(f"  {name:15} {cpu:6.2f} us CPU an event, {memory:6.1f} MB at most")
    disk = statistics.median(r["disk_bytes_per_event"] for r in rounds)
    print(f"  stores {disk:.0f} bytes an event")
    if given.json:
        report = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(),
                  "processor": processor(), "processors": os.cpu_count(), "rounds": rounds}
        given.json.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
