#!/usr/bin/python3
"""A partner that knows only the partner protocol, GSP/1 (needs python3-zmq).

    python_partner.py [--receipts FILE] -- ENDPOINT SERVER_KEY KEY_FILE EVENTS.jsonl

SERVER_KEY is the edge's public key in Z85, or a file that holds it; KEY_FILE has the partner's
public and secret key on two lines; EVENTS.jsonl one CloudEvent a line, published byte for byte.
Prints one JSON summary. Exit 0: every event has a receipt; 1: some failed as a whole; 3: nobody
answered.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter, deque

import zmq

VERSION = b"GSP1"


class Request:
    """A batch that has been sent and not been answered."""

    def __init__(self, numbers, size):
        self.numbers, self.size, self.sent = numbers, size, time.monotonic()


class Partner:
    def __init__(self, given, events):
        self.given, self.events = given, events
        self.waiting = deque(range(len(events)))
        self.alone = set()  # events whose batch was refused: sent one by one
        self.receipts = [None] * len(events)
        self.errors = {}
        self.in_flight = {}  # request id -> Request
        self.credit = {"events": 0, "bytes": 0}
        self.limits = self.name = None
        self.requests = self.resent = self.connections = 0
        self.pinged = self.heard = time.monotonic()
        self.not_before = 0.0
        self.context, self.socket = zmq.Context(), None

    def connect(self):
        """A new DEALER. What was in flight goes out again: a resend is always safe."""
        if self.socket is not None:
            self.socket.close(linger=0)
        for request in reversed(self.in_flight.values()):
            self.waiting.extendleft(reversed(request.numbers))
            self.resent += len(request.numbers)
        self.in_flight.clear()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.curve_serverkey = self.given.server_key
        self.socket.curve_publickey, self.socket.curve_secretkey = self.given.keys
        self.socket.connect(self.given.endpoint)
        self.connections += 1
        self.credit = {"events": 0, "bytes": 0}
        self.heard_now()
        self.send(b"HELLO", b"{}")

    def heard_now(self):
        self.heard = time.monotonic()

    def send(self, verb, body):
        self.requests += 1
        identifier = b"%d-%d" % (self.connections, self.requests)
        try:
            self.socket.send_multipart([VERSION, verb, identifier, body], zmq.DONTWAIT)
        except zmq.Again:
            pass  # the pipe is full: the request times out and goes out again
        return identifier

    def publish(self):
        """Sends batches for as long as the credit lasts."""
        while self.waiting and self.limits and time.monotonic() >= self.not_before:
            open_events = sum(len(request.numbers) for request in self.in_flight.values())
            open_bytes = sum(request.size for request in self.in_flight.values())
            events_max = min(self.credit["events"] - open_events, self.limits["batchEventsMax"],
                             self.given.batch)
            bytes_max = min(self.credit["bytes"] - open_bytes, self.limits["messageBytesMax"])
            numbers, size = [], 2
            while self.waiting and len(numbers) < events_max:
                number = self.waiting[0]
                if numbers and (number in self.alone or numbers[0] in self.alone):
                    break
                if size + len(self.events[number]) + 1 > bytes_max:
                    break
                size += len(self.events[number]) + 1
                numbers.append(self.waiting.popleft())
            if not numbers:
                return
            body = b"[" + b",".join(self.events[number] for number in numbers) + b"]"
            self.in_flight[self.send(b"PUBLISH", body)] = Request(numbers, len(body))

    def take(self, frames):
        version, verb, identifier, body = frames
        assert version == VERSION, frames
        answer = json.loads(body)
        if verb != b"PONG" or not self.in_flight:
            self.heard_now()  # a PONG does not show that a lost request is still on its way
        if "credit" in answer:
            self.credit = answer["credit"]
        request = self.in_flight.pop(identifier, None)
        if verb == b"WELCOME":
            self.limits, self.name = answer["limits"], answer["partner"]
        elif verb == b"RECEIPTS" and request:
            assert len(answer["receipts"]) == len(request.numbers), "a receipt for every event"
            for number, receipt in zip(request.numbers, answer["receipts"]):
                self.receipts[number] = receipt
        elif verb == b"ERROR":
            self.fail(request, answer)

    def fail(self, request, error):
        if error["retryable"]:
            self.not_before = time.monotonic() + (error.get("retryAfterMs") or 0) / 1000
            if request:
                self.waiting.extendleft(reversed(request.numbers))
                self.resent += len(request.numbers)
        elif request and len(request.numbers) > 1:
            self.alone.update(request.numbers)
            self.waiting.extendleft(reversed(request.numbers))
        elif request:
            self.errors[request.numbers[0]] = error["code"]
        else:
            sys.exit(f"the edge does not understand: {error}")

    def run(self):
        self.connect()
        started = time.monotonic()
        while self.waiting or self.in_flight or not self.limits:
            self.publish()
            if self.socket.poll(100):
                self.take(self.socket.recv_multipart())
                started = time.monotonic()
                continue
            now = time.monotonic()
            oldest = min((request.sent for request in self.in_flight.values()), default=self.heard)
            if now - max(oldest, self.heard) > self.given.timeout:
                print(f"no answer in {self.given.timeout:g} s: key unknown or service down",
                      file=sys.stderr)
                if now - started > self.given.give_up:
                    return 3
                self.connect()
            elif now - self.pinged >= 1:
                # At credit 0 this is how a partner learns of more; otherwise it proves life.
                self.pinged = now
                self.send(b"PING", b"{}")
        return 1 if self.errors else 0

    def summary(self):
        received = [receipt for receipt in self.receipts if receipt]
        return {
            "partner": self.name,
            "events": len(self.events),
            "statuses": dict(sorted(Counter(r["status"] for r in received).items())),
            "codes": dict(sorted(Counter(r["code"] for r in received if r.get("code")).items())),
            "errors": dict(sorted(Counter(self.errors.values()).items())),
            "resent": self.resent,
            "connections": self.connections,
        }


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("endpoint")
    options.add_argument("server_key")
    options.add_argument("key_file")
    options.add_argument("events")
    options.add_argument("--receipts", help="write the receipts here, one a line, in order")
    options.add_argument("--batch", type=int, default=500, help="events in a message, at most")
    options.add_argument("--timeout", type=float, default=5, help="seconds until a resend")
    options.add_argument("--give-up", type=float, default=60, help="seconds without any answer")
    given = options.parse_args()
    if os.path.exists(given.server_key):
        with open(given.server_key, encoding="ascii") as file:
            given.server_key = file.read().strip()
    given.server_key = given.server_key.encode()
    with open(given.key_file, "rb") as file:
        given.keys = file.read().split()
    with open(given.events, "rb") as file:
        events = [line.strip() for line in file if line.strip()]
    partner = Partner(given, events)
    code = partner.run()
    print(json.dumps(partner.summary(), sort_keys=True))
    if given.receipts:
        with open(given.receipts, "w", encoding="utf-8") as file:
            for receipt in partner.receipts:
                file.write(json.dumps(receipt, ensure_ascii=True) + "\n")
    partner.socket.close(linger=0)
    partner.context.term()
    sys.exit(code)


if __name__ == "__main__":
    main()
