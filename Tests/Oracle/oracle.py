#!/usr/bin/env python3
"""What a city folder must come to, worked out without any of the services' code.

    oracle.py FOLDER [--partner ID] [--registry deploy/methodologies] [--lines]

Reads partners.json, bindings.csv and day.jsonl, judges every event by the protocol (GSP/1,
order of checks) and scores the accepted ones by the semantics (difference rule), and prints one
JSON document. Standard library only; every amount is an integer or an exact fraction.
"""

import argparse
import csv
import datetime
import json
import pathlib
import re
import sys
from collections import Counter
from fractions import Fraction

EVENT_BYTES_MAX = 16_384
TEXT_BYTES_MAX = 128
NESTING_MAX = 16
PAST_MS_MAX = 30 * 86_400_000
FUTURE_MS_MAX = 300_000
INTERVAL_MS_MAX = 86_400_000
BEHAVIOUR_TYPE = "cn.greenseason.behaviour.v1"
EVIDENCE_KINDS = {
    "operator_order", "telematics", "weighing", "receipt", "payment", "ride_code",
    "map_navigation", "steps", "photo",
}
MILLION = 1_000_000
EPOCH = datetime.date(1970, 1, 1).toordinal()

WRAPPED = re.compile(
    r'\s*\{\s*"partner"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(event|raw)"\s*:\s*', re.DOTALL)
CLOCK = re.compile(r'\s*\{\s*"clock"\s*:\s*"([^"\\]*)"\s*\}\s*')
INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII)
QUANTITY = re.compile(r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,6}))?", re.ASCII)
ATTRIBUTE = re.compile(r"[a-z0-9]+", re.ASCII)
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef]")


class Invalid(Exception):
    """An event that is not a behaviour event at all: rejected `invalid_event`."""


def instant(text):
    """An RFC 3339 time as UTC milliseconds; finer fractions are cut off."""
    found = INSTANT.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise Invalid("time")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = found.groups()[6:]
    if hour > 23 or minute > 59 or second > 59:
        raise Invalid("time")
    offset = 0
    if sign:
        if int(offset_hours) > 23 or int(offset_minutes) > 59:
            raise Invalid("offset")
        offset = int(sign + "1") * (int(offset_hours) * 60 + int(offset_minutes))
    try:
        days = datetime.date(year, month, day).toordinal() - EPOCH
    except ValueError:
        raise Invalid("date") from None
    seconds = days * 86_400 + hour * 3_600 + (minute - offset) * 60 + second
    return seconds * 1_000 + int(((fraction or "") + "000")[:3])


def local_day(milliseconds):
    """The day in Asia/Shanghai, as YYYY-MM-DD."""
    days = (milliseconds // 1_000 + 28_800) // 86_400
    return datetime.date.fromordinal(days + EPOCH).isoformat()


def millionths(text):
    found = QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise Invalid("quantity")
    return int(found[1]) * MILLION + int((found[2] or "").ljust(6, "0"))


def name(value):
    """An id, source or subject: 1 to 128 bytes, no control characters and no noncharacters."""
    if not isinstance(value, str) or not value or UNPRINTABLE.search(value):
        raise Invalid("text")
    if any(ord(c) & 0xFFFE == 0xFFFE for c in value) or len(value.encode()) > TEXT_BYTES_MAX:
        raise Invalid("text")
    return value


def no_constant(word):
    raise ValueError(f"{word} is not JSON")


def depth(value):
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


class Edge:
    """The partner's edge: which receipt each event must get."""

    def __init__(self, partners, bindings, behaviours):
        self.partners = {p["id"]: p for p in partners}
        self.bindings = bindings
        self.behaviours = behaviours
        self.clock = None
        self.accepted = {}  # (source, id) -> content
        self.repeated = False
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self.members, parse_constant=no_constant)

    def members(self, pairs):
        made = dict(pairs)
        self.repeated = self.repeated or len(made) != len(pairs)
        return made

    def decode(self, text, start):
        """The JSON value at `start`, where it ends, and whether a key in it is repeated."""
        self.repeated = False
        value, end = self.decoder.raw_decode(text, start)
        return value, end, self.repeated

    def content(self, event, text, repeated):
        """The normalised typed fields, or Invalid: everything that can be told without a registry."""
        if repeated or not isinstance(event, dict):
            raise Invalid("JSON")
        if text.count("{") + text.count("[") > NESTING_MAX and depth(event) > NESTING_MAX:
            raise Invalid("nesting")
        if event.get("specversion") != "1.0" or event.get("type") != BEHAVIOUR_TYPE:
            raise Invalid("specversion or type")
        if not all(ATTRIBUTE.fullmatch(key) for key in event if key != "data_base64"):
            raise Invalid("attribute name")
        media = event.get("datacontenttype") or "application/json"
        if not isinstance(media, str) or "data_base64" in event:
            raise Invalid("data")
        media = media.split(";")[0].strip().lower()
        if media != "application/json" and not media.endswith("+json"):
            raise Invalid("datacontenttype")
        data, time = event.get("data"), instant(event.get("time"))
        if not isinstance(data, dict) or not isinstance(data.get("evidence"), dict):
            raise Invalid("data")
        evidence = data["evidence"]
        details = tuple(evidence.get(key) for key in ("reference", "vehicle", "serial"))
        for detail in details:
            if detail is not None and not isinstance(detail, str):
                raise Invalid("evidence")
            if detail and len(detail.encode()) > TEXT_BYTES_MAX:
                raise Invalid("evidence")
        words = data.get("behaviour"), data.get("unit"), evidence.get("kind")
        if not all(isinstance(word, str) for word in words) or words[2] not in EVIDENCE_KINDS:
            raise Invalid("behaviour, unit or kind")
        quantity = millionths(data.get("quantity"))
        bounds = tuple(
            instant(data[key]) if data.get(key) is not None else None
            for key in ("startedAt", "endedAt"))
        return (name(event.get("subject")), time, bounds, quantity, words, details)

    def receive(self, partner, event, text, repeated):
        """(status, code, content, resident) for one event, in the order the protocol checks."""
        def rejected(code):
            return "rejected", code, None, None

        if len(text) * 4 > EVENT_BYTES_MAX and len(text.encode()) > EVENT_BYTES_MAX:
            return rejected("event_too_large")
        try:
            content = self.content(event, text, repeated)
            key = name(event.get("source")), name(event.get("id"))
        except (Invalid, UnicodeEncodeError):
            return rejected("invalid_event")
        partner = self.partners[partner]
        if key[0] not in partner["sources"]:
            return rejected("source_not_allowed")
        if key in self.accepted:
            same = self.accepted[key] == content
            return ("duplicate", None, None, None) if same else rejected("conflict")
        subject, time, (started, ended), quantity, (code, unit, _), _ = content
        behaviour = self.behaviours.get(code)
        if behaviour is None:
            return rejected("unknown_behaviour")
        if code not in partner["behaviours"]:
            return rejected("behaviour_not_licensed")
        if unit not in behaviour["units"]:
            return rejected("unit_mismatch")
        if not 0 < quantity <= millionths(behaviour["units"][unit]["quantity_max"]):
            return rejected("quantity_out_of_range")
        if (started is None) != (ended is None):
            return rejected("interval_invalid")
        if started is None and behaviour["interval"] == "required":
            return rejected("interval_invalid")
        if started is not None and not 0 <= ended - started <= INTERVAL_MS_MAX:
            return rejected("interval_invalid")
        lateness = self.clock - (time if ended is None else ended)
        if lateness > PAST_MS_MAX:
            return rejected("too_late")
        if lateness < -FUTURE_MS_MAX:
            return rejected("in_future")
        resident = self.bindings.get((partner["id"], subject))
        if resident is None:
            return rejected("no_consent")  # until parking exists
        self.accepted[key] = content
        return "accepted", None, content, resident


class Method:
    """One version of a methodology, its factor exact."""

    def __init__(self, entry):
        self.entry = entry
        self.key = entry["method"], entry["version"]
        formula = entry["formula"]
        p = {k: Fraction(v) for k, v in formula.get("parameters", {}).items()}
        family = formula["family"]
        if family == "linear":
            factor = Fraction(formula["milligrams_per_unit"])
        elif family == "nev_kilometre":
            fuel = p["fuel_litres_per_100km"] / 100 * p["fuel_kg_co2_per_litre"]
            power = p["kwh_per_100km"] / 100 / p["charging_efficiency"] * p["grid_kg_co2_per_kwh"]
            factor = MILLION * (fuel - power)
        elif family == "nev_charge":
            litres = p["fuel_litres_per_100km"] / p["kwh_per_100km"]
            factor = MILLION * (litres * p["fuel_kg_co2_per_litre"] - p["grid_kg_co2_per_kwh"])
        elif family == "appliance_grade":
            saved = p["load_kwh_per_year"] * (1 / p["apf_baseline"] - 1 / p["apf_product"])
            factor = MILLION * saved * p["grid_kg_co2_per_kwh"] * p["credit_years"]
        else:
            sys.exit(f"unknown formula family {family}")
        self.factor = max(factor, Fraction(0))
        self.numerator, self.denominator = self.factor.numerator, self.factor.denominator * MILLION
        cap = entry["cap"]
        self.cap = millionths(cap["quantity"]) if cap else None
        self.period_letters = {"day": 10, "month": 7, "year": 4}[cap["per"] if cap else "day"]

    def applies(self, city, behaviour, unit, day):
        e = self.entry
        return (e["status"] == "active" and e["city"] == city and e["behaviour"] == behaviour
                and e["unit"] == unit and e["valid_from"] <= day
                and (e["valid_to"] is None or day <= e["valid_to"]))

    def milligrams(self, quantity):
        return quantity * self.numerator // self.denominator

    def total(self, milligrams, quantity):
        """(milligrams, points) of a whole period, from the sums of what was reported in it."""
        if self.cap is not None:
            milligrams = min(self.milligrams(self.cap), milligrams)
            quantity = min(self.cap, quantity)
        rule = self.entry["points"]
        if rule["rule"] == "per_unit":
            points = int(Fraction(rule["points_per_unit"]) * quantity // MILLION)
        else:
            points = milligrams // 1_000 * rule["points_per_gram"]
        return milligrams, min(points, rule.get("points_max_per_period", points))


class Ledger:
    """Who has earned what."""

    def __init__(self, methods, city):
        self.methods = [Method(entry) for entry in methods]
        self.city = city
        self.chosen = {}
        self.sums = {}  # (resident, method, version, period) -> [milligrams, quantity]
        self.periods = {}  # the same key -> (milligrams, points)
        self.lots = Counter()  # (resident, earned day) -> points

    def method(self, behaviour, unit, day):
        key = behaviour, unit, day
        if key not in self.chosen:
            found = [m for m in self.methods if m.applies(self.city, *key)]
            if len(found) > 1:
                sys.exit(f"two active versions for {key}")
            self.chosen[key] = found[0] if found else None
        return self.chosen[key]

    def score(self, resident, content):
        """("counted" or "refused", milligrams before caps)."""
        _, time, (started, _), quantity, (behaviour, unit, _), _ = content
        day = local_day(time if started is None else started)
        method = self.method(behaviour, unit, day)
        if method is None:
            return "refused", 0
        key = (resident, *method.key, day[:method.period_letters])
        milligrams = method.milligrams(quantity)
        sums = self.sums.setdefault(key, [0, 0])
        sums[0] += milligrams
        sums[1] += quantity
        before = self.periods.get(key, (0, 0))
        after = self.periods[key] = method.total(*sums)
        self.lots[resident, day] += after[1] - before[1]
        return "counted", milligrams


def steps(path, edge, partner):
    """Each event line of a day: (line number, partner, event, its text, repeated keys)."""
    with open(path, encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            if clock := CLOCK.fullmatch(line):
                edge.clock = instant(clock[1])
                continue
            wrapped = WRAPPED.match(line)
            if wrapped and wrapped[2] == "raw":
                continue
            start = wrapped.end() if wrapped else len(line) - len(line.lstrip())
            try:
                event, end, repeated = edge.decode(line, start)
            except ValueError as problem:
                sys.exit(f"{path}:{number}: {problem}")
            if line[end:].strip() != ("}" if wrapped else ""):
                sys.exit(f"{path}:{number}: more than one event")
            sender = json.loads(wrapped[1]) if wrapped else partner
            if sender not in edge.partners or edge.clock is None:
                sys.exit(f"{path}:{number}: no such partner, or no clock yet")
            yield number, sender, event, line[start:end], repeated


def evaluate(folder, registry, city="beijing", partner=None, lines=False):
    folder, registry = pathlib.Path(folder), pathlib.Path(registry)
    behaviours = json.loads((registry / "behaviours.json").read_text("utf-8"))["behaviours"]
    methods = json.loads((registry / "methods.json").read_text("utf-8"))["methods"]
    with open(folder / "bindings.csv", encoding="utf-8", newline="") as rows:
        bindings = {(r["partner"], r["subject"]): r["resident"] for r in csv.DictReader(rows)}
    edge = Edge(
        json.loads((folder / "partners.json").read_text("utf-8")), bindings,
        {b["code"]: b for b in behaviours})
    ledger = Ledger(methods, city)
    statuses, codes, first, events, receipts = Counter(), Counter(), {}, [], []
    for number, sender, event, text, repeated in steps(folder / "day.jsonl", edge, partner):
        status, code, content, resident = edge.receive(sender, event, text, repeated)
        statuses[status] += 1
        codes.update([code] if code else [])
        source, identifier = (
            (event.get("source"), event.get("id")) if isinstance(event, dict) else (None, None))
        if isinstance(source, str) and isinstance(identifier, str):
            first.setdefault((source, identifier), (status, code))
        if status == "accepted":
            events.append([source, identifier, *ledger.score(resident, content)])
        if lines:
            receipts.append([number, status, code])
    periods = sorted([*key, *total] for key, total in ledger.periods.items())
    residents = {}
    for resident, _, _, _, milligrams, points in periods:
        total = residents.setdefault(resident, [resident, 0, 0])
        total[1] += milligrams
        total[2] += points
    return {
        "schema": "greenseason.oracle.v1",
        "statuses": dict(sorted(statuses.items())),
        "codes": dict(sorted(codes.items())),
        "outcomes": sorted(([*key, *outcome] for key, outcome in first.items()), key=repr),
        "events": sorted(events),
        "periods": periods,
        "residents": sorted(residents.values()),
        "lots": sorted([*key, points] for key, points in ledger.lots.items() if points),
        "totals": {
            "events": sum(statuses.values()), "accepted": len(events),
            "refused": sum(1 for event in events if event[2] == "refused"),
            "milligrams": sum(r[1] for r in residents.values()),
            "points": sum(r[2] for r in residents.values()),
        },
        **({"receipts": receipts} if lines else {}),
    }


def main():
    here = pathlib.Path(__file__).resolve().parents[2]
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder")
    options.add_argument("--registry", default=here / "deploy" / "methodologies")
    options.add_argument("--city", default="beijing")
    options.add_argument("--partner", help="who sends the lines that name no partner")
    options.add_argument("--lines", action="store_true", help="add the receipt of every line")
    given = options.parse_args()
    answer = evaluate(given.folder, given.registry, given.city, given.partner, given.lines)
    json.dump(answer, sys.stdout, ensure_ascii=True, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
