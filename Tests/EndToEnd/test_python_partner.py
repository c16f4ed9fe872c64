"""The Python partner against an edge that is difficult: `/usr/bin/python3 -m unittest`."""

import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

try:
    import zmq
    from zmq.auth.thread import ThreadAuthenticator
except ImportError:
    zmq = None

SCRIPT = pathlib.Path(__file__).with_name("python_partner.py")
GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "partner-guide.md"


class DifficultEdge(threading.Thread):
    """Says busy, loses a request, runs out of credit, and watches for overdrafts."""

    def __init__(self, keys):
        super().__init__(daemon=True)
        self.public, secret = zmq.curve_keypair()
        self.context = zmq.Context()
        self.gate = ThreadAuthenticator(self.context)
        self.gate.start()
        self.gate.configure_curve_callback(domain="edge", credentials_provider=self)
        self.known = {key[0] for key in keys}
        self.router = self.context.socket(zmq.ROUTER)
        self.router.curve_server = True
        self.router.curve_secretkey = secret
        self.router.zap_domain = b"edge"
        self.port = self.router.bind_to_random_port("tcp://127.0.0.1", 20_000, 31_999)
        self.publishes = self.pings = self.largest = 0
        self.seen = {}
        self.finished = threading.Event()

    def callback(self, domain, key):
        return key in self.known

    def run(self):
        while not self.finished.is_set():
            if self.router.poll(20):
                self.answer(*self.router.recv_multipart())
        self.router.close(linger=0)
        self.gate.stop()
        self.context.term()

    def answer(self, peer, version, verb, identifier, body):
        def reply(verb, answer):
            self.router.send_multipart(
                [peer, version, verb, identifier, json.dumps(answer).encode()])

        credit = {"events": 7, "bytes": 5_000}
        if verb == b"HELLO":
            limits = {"batchEventsMax": 1000, "messageBytesMax": 1_048_576}
            reply(b"WELCOME", {"partner": "p", "credit": credit, "limits": limits})
        elif verb == b"PING":
            self.pings += 1
            reply(b"PONG", {"credit": credit})
        elif verb == b"PUBLISH":
            self.publishes += 1
            try:
                events = json.loads(body)
            except ValueError:
                return reply(b"ERROR", {"code": "bad_json", "message": "", "retryable": False})
            self.largest = max(self.largest, len(events))
            if self.publishes == 1:
                return reply(b"ERROR", {"code": "busy", "message": "", "retryable": True,
                                        "retryAfterMs": 20})
            if self.publishes == 3:
                return None
            receipts = []
            for event in events:
                status = "duplicate" if event["id"] in self.seen else "accepted"
                self.seen.setdefault(event["id"], len(self.seen) + 1)
                receipts.append({"id": event["id"], "source": "s", "status": status,
                                 "position": f"0/{self.seen[event['id']]}"})
            empty = self.publishes % 2 == 0
            reply(b"RECEIPTS", {"receipts": receipts,
                                "credit": {"events": 0, "bytes": 0} if empty else credit})


@unittest.skipUnless(zmq, "python3-zmq is not installed")
class PythonPartner(unittest.TestCase):
    def publish(self, lines, *options, known=True):
        keys = zmq.curve_keypair()
        edge = DifficultEdge([keys] if known else [])
        edge.start()
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "key").write_bytes(b"\n".join(keys) + b"\n")
            (folder / "events").write_text("".join(line + "\n" for line in lines))
            done = subprocess.run(
                [sys.executable, SCRIPT, f"tcp://127.0.0.1:{edge.port}", edge.public.decode(),
                 folder / "key", folder / "events", "--receipts", folder / "receipts",
                 "--timeout", "0.5", *options], capture_output=True, text=True, timeout=60)
            receipts = folder / "receipts"
            written = receipts.read_text().splitlines() if receipts.exists() else []
        edge.finished.set()
        edge.join()
        return done, edge, [json.loads(line) for line in written]

    def test_every_event_gets_its_receipt(self):
        lines = [json.dumps({"id": str(number)}) for number in range(30)]
        done, edge, receipts = self.publish(lines + lines[:2])
        self.assertEqual(0, done.returncode, done.stderr)
        summary = json.loads(done.stdout)
        self.assertEqual({"accepted": 30, "duplicate": 2}, summary["statuses"])
        self.assertEqual([str(number) for number in [*range(30), 0, 1]],
                         [receipt["id"] for receipt in receipts])
        self.assertLessEqual(edge.largest, 7)
        self.assertGreater(edge.pings, 0)
        self.assertGreater(summary["resent"], 7)
        self.assertGreater(summary["connections"], 1)

    def test_one_unreadable_event_does_not_spoil_the_others(self):
        lines = [json.dumps({"id": str(number)}) for number in range(5)]
        done, _, receipts = self.publish(lines[:2] + ["{oops"] + lines[2:])
        self.assertEqual(1, done.returncode, done.stderr)
        summary = json.loads(done.stdout)
        self.assertEqual({"bad_json": 1}, summary["errors"])
        self.assertEqual({"accepted": 5}, summary["statuses"])
        self.assertIsNone(receipts[2])

    def test_the_guides_example_does_what_the_guide_says(self):
        example = GUIDE.read_text("utf-8").split("```python\n")[1].split("```")[0]
        event = GUIDE.read_text("utf-8").split("```json\n")[1].split("```")[0]
        keys = zmq.curve_keypair()
        edge = DifficultEdge([keys])
        edge.start()
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "first.py").write_text(example)
            (folder / "key").write_bytes(b"\n".join(keys) + b"\n")
            (folder / "events").write_text((json.dumps(json.loads(event)) + "\n") * 2)
            done = subprocess.run(
                [sys.executable, folder / "first.py", f"tcp://127.0.0.1:{edge.port}",
                 edge.public.decode(), folder / "key", folder / "events"],
                capture_output=True, text=True, timeout=60)
        edge.finished.set()
        edge.join()
        self.assertEqual(0, done.returncode, done.stderr)
        receipts = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(["accepted", "duplicate"], [r["status"] for r in receipts])
        self.assertEqual({"BK20260810-000000001"}, {r["id"] for r in receipts})

    def test_an_unknown_key_is_told(self):
        done, _, _ = self.publish(["{}"], "--give-up", "1", known=False)
        self.assertEqual(3, done.returncode)
        self.assertIn("key unknown or service down", done.stderr)


if __name__ == "__main__":
    unittest.main()
