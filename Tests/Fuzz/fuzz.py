#!/usr/bin/env python3
"""Runs libFuzzer over the targets, one after the other, for a bounded time each.

`make fuzz` builds the program first. What a run finds worth trying lies in .build-fuzz/inputs and
is where the next one begins; `--keep` makes the smallest part of it that covers the same the
committed corpus. An input that crashes is moved to Tests/Fuzz/Crashes and is a test from then on.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build-fuzz/release/fuzz"
INPUTS = ROOT / ".build-fuzz/inputs"
CORPUS = ROOT / "Tests/Fuzz/Corpus"
CRASHES = ROOT / "Tests/Fuzz/Crashes"
DICTIONARIES = ROOT / "Tests/Fuzz/Dictionaries"

# Of one target's committed corpus: it is read by people, too.
FILES_MAX = 100
BYTES_MAX = 60_000

# The crash handler of Swift would print for minutes what libFuzzer and the message say in a line.
ENVIRONMENT = {**os.environ, "SWIFT_BACKTRACE": "enable=no"}


def program(target, *arguments, **options):
    environment = {**ENVIRONMENT, "FUZZ_TARGET": target}
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)], env=environment, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, **options)


def targets():
    listed = subprocess.run([str(PROGRAM), "targets"], env=ENVIRONMENT, text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    rows = (line.split() for line in listed.splitlines())
    return {name: (int(bytes_max), int(runs_max)) for name, bytes_max, runs_max in rows}


def limits(bounds):
    bytes_max, runs_max = bounds
    runs = [f"-runs={runs_max}"] if runs_max else []
    return [f"-max_len={bytes_max}", "-rss_limit_mb=2048", "-timeout=10", *runs]


def folders(target):
    """Where its inputs are: those found so far, its seeds, what is committed."""
    found, seeds = INPUTS / target / "found", INPUTS / target / "seeds"
    for folder in (found, seeds):
        folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(PROGRAM), "seeds", target, str(seeds)], env=ENVIRONMENT, check=True,
                   timeout=60, stdout=subprocess.DEVNULL)
    return [path for path in (found, seeds, CORPUS / target, CRASHES / target) if path.exists()]


def fuzz(target, bounds, seconds):
    """One bounded run; answers the line to print, and whether nothing crashed."""
    dictionary = DICTIONARIES / f"{target}.dict"
    words = [f"-dict={dictionary}"] if dictionary.exists() else []
    with tempfile.TemporaryDirectory() as crashes:
        run = program(
            target, f"-max_total_time={seconds}", *limits(bounds), "-print_final_stats=1", *words,
            f"-artifact_prefix={crashes}/", *folders(target), timeout=seconds + 300)
        (INPUTS / target / "log").write_text(run.stdout)
        stored = [store(target, path) for path in sorted(pathlib.Path(crashes).iterdir())]

    def last(pattern, default="0"):
        return (re.findall(pattern, run.stdout) or [default])[-1]

    line = "{:<16} {:>10} runs {:>7}/s  cov {:>5}  ft {:>6}  corpus {:>4}  rss {:>4} MB  {}".format(
        target, last(r"number_of_executed_units: (\d+)"), last(r"average_exec_per_sec: +(\d+)"),
        last(r"cov: (\d+)"), last(r"ft: (\d+)"), last(r"corp: (\d+)"),
        last(r"peak_rss_mb: +(\d+)"), "no crash" if run.returncode == 0 else "CRASHED")
    for path in stored:
        line += f"\n  make fuzz-replay TARGET={target} INPUT={path.relative_to(ROOT)}"
    for reason in re.findall(r"(?:violated: .*|Fatal error: .*|SUMMARY: .*)", run.stdout)[:2]:
        line += f"\n  {reason}"
    return line, run.returncode == 0


def store(target, path):
    folder = CRASHES / target
    folder.mkdir(parents=True, exist_ok=True)
    return pathlib.Path(shutil.move(path, folder / path.name))


def keep(target, bounds):
    """Makes the smallest inputs that cover what all cover the target's committed corpus."""
    with tempfile.TemporaryDirectory() as merged:
        program(target, "-merge=1", *limits(bounds), merged, *folders(target), timeout=900)
        kept, size = [], 0
        for path in sorted(pathlib.Path(merged).iterdir(), key=lambda path: path.stat().st_size):
            size += path.stat().st_size
            if len(kept) == FILES_MAX or size > BYTES_MAX:
                break
            kept.append(path)
        folder = CORPUS / target
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in kept:
            shutil.copy(path, folder / path.name)
    return f"{target}: {len(kept)} inputs kept"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=int, default=30, help="of each target")
    options.add_argument("--target", action="append", help="only this one; may be repeated")
    options.add_argument("--keep", action="store_true", help="renew the committed corpus instead")
    options.add_argument("--replay", metavar="INPUT", help="run the one target on one input")
    options = options.parse_args()
    known = targets()
    chosen = options.target or list(known)
    for target in chosen:
        if target not in known:
            sys.exit(f"there is no target {target}; known are {', '.join(known)}")
    if options.replay:
        run = program(chosen[0], options.replay)
        print(run.stdout)
        sys.exit(run.returncode != 0)
    is_well = True
    for target in chosen:
        if options.keep:
            print(keep(target, known[target]), flush=True)
            continue
        line, went_well = fuzz(target, known[target], options.seconds)
        is_well &= went_well
        print(line, flush=True)
    sys.exit(not is_well)


if __name__ == "__main__":
    main()
