"""Holds the oracle to what was worked out by hand: `python3 -m unittest discover Tests/Oracle`."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
from fractions import Fraction

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import oracle  # noqa: E402

STREAMS = HERE.parent / "Streams"
REGISTRY = HERE.parents[1] / "deploy" / "methodologies"


class RecordedStreams(unittest.TestCase):
    def test_every_stream_with_expectations_comes_to_them(self):
        folders = sorted(path.parent for path in STREAMS.glob("*/expected.json"))
        self.assertGreaterEqual(len(folders), 3)
        for folder in folders:
            expected = json.loads((folder / "expected.json").read_text("utf-8"))
            answer = oracle.evaluate(folder, REGISTRY, lines=True)
            lines = (folder / "day.jsonl").read_text("utf-8").splitlines()
            self.assertEqual(len(expected["receipts"]), len(answer["receipts"]), folder.name)
            for wanted, (number, status, code) in zip(expected["receipts"], answer["receipts"]):
                with self.subTest(stream=folder.name, line=number, text=lines[number - 1][:300]):
                    self.assertEqual(wanted, [status] + ([code] if code else []))
            for table in ("events", "periods", "lots"):
                if table in expected:
                    with self.subTest(stream=folder.name, table=table):
                        self.assertEqual(sorted(expected[table]), answer[table])

    def test_an_ordinary_day_meets_every_status(self):
        answer = oracle.evaluate(STREAMS / "ordinary-day", REGISTRY)
        self.assertEqual({"accepted", "duplicate", "rejected"}, set(answer["statuses"]))
        self.assertEqual(
            {"invalid_event", "source_not_allowed", "unknown_behaviour", "behaviour_not_licensed",
             "unit_mismatch", "quantity_out_of_range", "interval_invalid", "too_late", "in_future",
             "no_consent", "conflict", "event_too_large"}, set(answer["codes"]))
        self.assertEqual(
            answer["totals"]["points"], sum(points for _, _, points in answer["lots"]))


class Methods(unittest.TestCase):
    def test_worked_examples_of_every_version_active_or_not(self):
        entries = json.loads((REGISTRY / "methods.json").read_text("utf-8"))["methods"]
        for entry in entries:
            method = oracle.Method(entry)
            for example in entry["examples"]:
                with self.subTest(method=method.key, quantity=example["quantity"]):
                    quantity = oracle.millionths(example["quantity"])
                    total, _ = method.total(method.milligrams(quantity), quantity)
                    self.assertEqual(example["milligrams"], total)

    def test_factors_are_exact(self):
        entries = json.loads((REGISTRY / "methods.json").read_text("utf-8"))["methods"]
        factors = {entry["method"]: oracle.Method(entry).factor for entry in entries}
        self.assertEqual(67_660, factors["nev_driving.km"])
        self.assertEqual(93_905_000, factors["green_appliance.air_conditioner_grade1"])
        self.assertEqual(Fraction(1_353_200, 3), factors["nev_charging.kwh"])

    def test_a_factor_below_nothing_is_nothing(self):
        entry = {
            "method": "m", "version": "v", "cap": None, "points": {},
            "formula": {"family": "linear", "milligrams_per_unit": "-5"}}
        self.assertEqual(0, oracle.Method(entry).factor)


class Times(unittest.TestCase):
    def test_days_begin_at_local_midnight(self):
        for text, day in [
            ("1970-01-01T07:59:59.999+08:00", "1970-01-01"), ("1969-12-31T15:59:59Z", "1969-12-31"),
            ("2024-02-29T15:59:59.999Z", "2024-02-29"), ("2024-02-29T16:00:00Z", "2024-03-01"),
            ("2026-01-01T06:00:00+14:00", "2026-01-01"),
        ]:
            with self.subTest(text):
                self.assertEqual(day, oracle.local_day(oracle.instant(text)))


class Comparison(unittest.TestCase):
    """compare.py, given a dump made from the oracle's own answer."""

    def compare(self, change):
        answer = oracle.evaluate(STREAMS / "midnight", REGISTRY)
        names = {"one": "4611686018427387905", "two": "17"}
        dump = {
            "ingestion": {"events": [list(row) for row in answer["events"]]},
            "scoring": {"periods": [[names[row[0]], *row[1:]] for row in answer["periods"]]},
            "rewards": {
                "balances": [[names[key], points, 0] for key, _, points in answer["residents"]],
                "lots": [[names[key], day, points, points] for key, day, points in answer["lots"]],
                "vouchers": []},
            "creditProfile": {"profiles": []}}
        change(dump)
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            residents = [{"key": key, "resident": name} for key, name in names.items()]
            for name, body in [("oracle", answer), ("dump", dump), ("residents", residents)]:
                paths.append(pathlib.Path(folder) / name)
                paths[-1].write_text(json.dumps(body))
            done = subprocess.run(
                [sys.executable, HERE / "compare.py", *paths], capture_output=True, text=True)
        return done.returncode, done.stdout

    def test_an_equal_dump_is_equal(self):
        code, output = self.compare(lambda dump: None)
        self.assertEqual((0, "equal"), (code, output[:5]), output)

    def test_one_milligram_one_point_or_one_event_more_or_less_is_found(self):
        def milligram(dump): dump["scoring"]["periods"][0][4] += 1
        def point(dump): dump["rewards"]["lots"][0][2] -= 1
        def balance(dump): dump["rewards"]["balances"][0][2] += 1
        def event(dump): dump["ingestion"]["events"].pop()
        def state(dump): dump["ingestion"]["events"][0][2] = "withdrawn"
        for change in (milligram, point, balance, event, state):
            with self.subTest(change.__name__):
                code, output = self.compare(change)
                self.assertEqual(1, code)
                self.assertIn("expected", output)

    def test_zeros_and_spent_points_are_no_difference(self):
        def spend(dump):
            dump["rewards"]["balances"][0][1] -= 1
            dump["rewards"]["lots"][0][2] -= 1
            dump["rewards"]["vouchers"].append(["a voucher"])
        def zeros(dump):
            dump["rewards"]["balances"].append(["99", 0, 0])
            dump["rewards"]["lots"].append(["99", "2022-08-10", 0, 0])
        for change in (spend, zeros):
            with self.subTest(change.__name__):
                self.assertEqual(0, self.compare(change)[0])


if __name__ == "__main__":
    unittest.main()
