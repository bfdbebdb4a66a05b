"""The clients of scripts/attack, and their neighbour in a process of its own."""

import argparse
import http.client
import json
import socket
import sys
import time

from neighbour import Neighbour, address_here, percentile

BODY = 60_000
# Between two bytes of one slow sender, in seconds.
PACE = 0.25
# Requests that a deaf client sends at once, and how many more now and then.
ASKED = 50
ASK_AGAIN = 5.0
# Between two calls of the neighbour, in seconds.
BREATH = 0.01


def arguments():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--base", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--slow", type=int, default=2000)
    parser.add_argument("--deaf", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--calm", type=float, default=10)
    parser.add_argument("--body", default="/api/tracking/check-test-events")
    parser.add_argument("--ask", default="/docs")
    parser.add_argument("--neighbour", default="/1.6/conversions/")
    parser.add_argument("--key", default="demo-key")
    parser.add_argument("--most-mb", type=float, default=100)
    parser.add_argument("--most-times", type=float, default=3)
    return parser.parse_args()


def neighbour(host, port, path, key, stop, results):
    """Calls one after the other until told to stop; puts the times in ms and the number of failures."""
    took, failed, why = [], 0, ""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    while not stop.is_set():
        began = time.monotonic()
        try:
            connection.request("GET", path, headers={"X-Api-Key": key})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failed, why = failed + 1, f"status {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            failed, why = failed + 1, repr(error)
            connection.close()
        took.append((time.monotonic() - began) * 1000)
        time.sleep(BREATH)
    results.put((sorted(took), failed, why))


class Client:
    """One attacker: connects again whenever it is closed."""

    closed = 0

    def __init__(self, address, first, then, pace):
        self.address, self.first, self.then, self.pace = address, first, then, pace
        self.socket, self.due, self.unsent = None, 0.0, b""

    def step(self, now):
        if now < self.due:
            return
        self.due = now + self.pace
        try:
            if self.socket is None:
                self.socket = socket.socket()
                self.socket.setblocking(False)
                self.socket.connect_ex(self.address)
                self.unsent = self.first
                return
            self.unsent = self.unsent or self.then
            if self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
            elif not self.socket.recv(1, socket.MSG_PEEK):
                raise ConnectionError("closed")
        except BlockingIOError:
            pass
        except OSError:
            if self.socket is not None:
                self.socket.close()
            self.socket = None
            Client.closed += 1


def resident_mb(pid):
    if not pid:
        return 0.0
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def main():
    args = arguments()
    address = address_here(args.base)

    calm = Neighbour(neighbour, *address, args.neighbour, args.key)
    time.sleep(args.calm)
    before, failed_before, why_before = calm.end()

    head = f"POST {args.body} HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY}\r\n\r\n".encode()
    ask = f"GET {args.ask} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    clients = []
    for number in range(args.slow):
        half = b"x" * (BODY // 2) if number % 2 else b""
        clients.append(Client(address, head + half, b"" if number % 2 else b"x", PACE))
    clients += [Client(address, ask * ASKED, ask, ASK_AGAIN) for _ in range(args.deaf)]

    beside = Neighbour(neighbour, *address, args.neighbour, args.key)
    most, ends = resident_mb(args.pid), time.monotonic() + args.seconds
    while (now := time.monotonic()) < ends:
        for client in clients:
            client.step(time.monotonic())
        most = max(most, resident_mb(args.pid))
        time.sleep(max(0.0, 0.05 - (time.monotonic() - now)))
    during, failed, why = beside.end()
    at_end = resident_mb(args.pid)

    calm_p99, p99 = percentile(before, 0.99), percentile(during, 0.99)
    print(json.dumps({
        "neighbour_before_ms": {"p50": percentile(before, 0.5), "p99": calm_p99, "calls": len(before)},
        "neighbour_during_ms": {"p50": percentile(during, 0.5), "p99": p99, "calls": len(during)},
        "neighbour_failed": failed + failed_before,
        "why": why or why_before,
        "resident_mb": {"most": round(most, 1), "at_end": round(at_end, 1)},
        "closed": Client.closed,
    }))
    is_slower = args.most_times and p99 > args.most_times * max(calm_p99, 1.0)
    sys.exit(1 if failed or most > args.most_mb or is_slower else 0)


if __name__ == "__main__":
    main()
