#!/usr/bin/env python3
"""Whether the product came to what the oracle says.

    compare.py ORACLE.json DUMP.json [RESIDENTS.json]

ORACLE.json is what oracle.py printed, DUMP.json what `greenctl dump --canonical` printed (see
docs/canonical-dump.md), RESIDENTS.json what `greenctl resident list --json` printed; without it
the oracle's registration keys must be the dump's resident keys. Prints the first differences and
exits 1, or says what agreed and exits 0. Exit 2: the input cannot be read.
"""

import json
import sys

DIFFERENCES_MAX = 20


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as problem:
        print(f"{path}: {problem}", file=sys.stderr)
        sys.exit(2)


def keyed(rows, width):
    """{first `width` columns: the others}, without rows that say nothing but zeros."""
    return {tuple(row[:width]): tuple(row[width:]) for row in rows if any(row[width:])}


def differences(table, expected, actual):
    for key in sorted(expected.keys() | actual.keys()):
        if expected.get(key) != actual.get(key):
            yield (f"{table} {' '.join(map(str, key))}: "
                   f"expected {expected.get(key, 'nothing')}, found {actual.get(key, 'nothing')}")


def tables(oracle, dump, resident):
    """(name, what the oracle expects, what the product holds) of every table both know."""
    rewards = dump["rewards"]
    # Redemptions move balances and empty lots; what was awarded they leave alone.
    spent = bool(rewards.get("vouchers"))
    periods = [[resident(row[0]), *row[1:]] for row in oracle["periods"]]
    lots = [[resident(key), day, points] for key, day, points in oracle["lots"]]
    yield "event", keyed(oracle["events"], 2), keyed(dump["ingestion"]["events"], 2)
    yield "period", keyed(periods, 4), keyed(dump["scoring"]["periods"], 4)
    yield "lot awarded", keyed(lots, 2), keyed(
        [[key, day, awarded] for key, day, _, awarded in rewards["lots"]], 2)
    if not spent:
        yield "lot remaining", keyed(lots, 2), keyed(
            [[key, day, left] for key, day, left, _ in rewards["lots"]], 2)
        balances = [[resident(key), points, 0] for key, _, points in oracle["residents"]]
        yield "balance", keyed(balances, 1), keyed(rewards["balances"], 1)


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    oracle, dump = read(sys.argv[1]), read(sys.argv[2])
    known = read(sys.argv[3]) if len(sys.argv) == 4 else None
    names = known and {row["key"]: str(row["resident"]) for row in known}

    def resident(key):
        return names.get(key, f"unregistered:{key}") if names is not None else key

    found, agreed = [], []
    for table, expected, actual in tables(oracle, dump, resident):
        differing = list(differences(table, expected, actual))
        found += differing
        if not differing:
            agreed.append(f"{len(expected)} {table}s")
    for line in found[:DIFFERENCES_MAX]:
        print(line)
    if len(found) > DIFFERENCES_MAX:
        print(f"and {len(found) - DIFFERENCES_MAX} more")
    if found:
        sys.exit(1)
    print("equal: " + ", ".join(agreed))


if __name__ == "__main__":
    main()
