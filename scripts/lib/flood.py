"""The clients of scripts/flood: organisations that flood, and a neighbour in a process of its own."""

import argparse
import http.client
import json
import multiprocessing
import selectors
import socket
import sys
import time
import uuid

from neighbour import Neighbour, address_here, percentile

# Between two calls of the neighbour, in seconds.
BREATH = 0.01
# What is not answered by then counts as failed, in seconds.
PATIENCE = 30
# Stands for what differs from request to request.
MARK = b"@@@@@@@@@@@@@@@@"


def arguments():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--base", required=True)
    parser.add_argument("--keys", default="demo-key")
    parser.add_argument("--neighbour-key", default="other-key")
    parser.add_argument("--coupon", default="JANE10OFF")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--calm", type=float, default=15)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--singles", type=int, default=64)
    parser.add_argument("--waiting", type=int, default=0)
    parser.add_argument("--what", choices=["sales", "refused", "parked", "one-order"], default="sales")
    parser.add_argument("--most-p50-times", type=float, default=2)
    parser.add_argument("--most-p99-times", type=float, default=5)
    return parser.parse_args()


def neighbour(address, args, stop, results):
    """Sells one after the other until told to stop; puts the times in ms, the number of receipts and that of failures."""
    took, receipts, failed, why = [], 0, 0, ""
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    headers = {"Y-API-Key": args.neighbour_key, "Content-Type": "application/json"}
    while not stop.is_set():
        order = str(uuid.uuid4())
        sale = {"order_id": order, "total_amount": 10, "currency": "USD", "customer": {"email": f"{order}@example.com"}}
        began = time.monotonic()
        try:
            connection.request("POST", f"/api/affiliates/track/{args.coupon}", json.dumps(sale), headers)
            answer = connection.getresponse()
            told = answer.read()
            if answer.status == 202:
                receipts += 1
            elif not 200 <= answer.status < 300:
                failed, why = failed + 1, f"status {answer.status}: {told[:200]}"
        except (OSError, http.client.HTTPException) as error:
            failed, why = failed + 1, repr(error)
            connection.close()
        took.append((time.monotonic() - began) * 1000)
        time.sleep(BREATH)
    results.put((sorted(took), receipts, failed, why))


def line(args, number):
    """One line of a batch, or the body of a call of its own."""
    order = {"one-order": b"hot-order"}.get(args.what, MARK + b"-%d" % number)
    if args.what == "parked":
        return b'{"type": "refund", "external_id": "%s", "amount": 1, "refund_id": "r%s"}' % (order, MARK)
    if args.what == "one-order" and number > 0:
        return b'{"type": "update", "external_id": "%s", "amount": %d}' % (order, number)
    coupon = b"NOBODY" if args.what == "refused" else args.coupon.encode()
    return b'{"external_id": "%s", "coupon": "%s", "amount": 10}' % (order, coupon)


def request(key, lines, prefer):
    body = b"\n".join(lines)
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\nContent-Type: application/x-ndjson\r\n{prefer}"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Client:
    """One connection of a flood: the next request goes out as soon as the one before is answered."""

    def __init__(self, address, template, events, told):
        self.address, self.template, self.events, self.told = address, template, events, told
        self.open()

    def open(self):
        self.socket = socket.create_connection(self.address)
        self.socket.setblocking(False)
        self.received = b""
        self.again()

    def again(self):
        self.unsent = self.template.replace(MARK, uuid.uuid4().hex[: len(MARK)].encode())

    def step(self):
        """Which events the selector is to tell of next."""
        try:
            if self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
            else:
                self.receive()
        except BlockingIOError:
            pass
        return selectors.EVENT_WRITE if self.unsent else selectors.EVENT_READ

    def receive(self):
        part = self.socket.recv(1 << 20)
        if not part:
            raise ConnectionError("closed")
        self.received += part
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(field for field in head.lower().split(b"\r\n") if field.startswith(b"content-length:"))
        if len(body) < int(length.split(b":")[1]):
            return
        status = int(head.split(b" ", 2)[1])
        self.told[status] = self.told.get(status, 0) + self.events
        self.received = b""
        self.again()


def flood(address, args, key, stop, results):
    """As fast as its requests are answered. Puts how many events were answered how, and what went wrong last."""
    selector, told, why = selectors.DefaultSelector(), {}, ""
    many = request(key, [line(args, number) for number in range(args.lines)], "Prefer: respond-async\r\n")
    one = request(key, [line(args, 0)], "Prefer: respond-async\r\n")
    waiting = request(key, [line(args, 0)], "")
    kinds = [(many, args.lines, args.batches), (one, 1, args.singles), (waiting, 1, args.waiting)]
    for template, events, count in kinds:
        for _ in range(count):
            client = Client(address, template, events, told)
            selector.register(client.socket, selectors.EVENT_WRITE, client)
    while not stop.is_set():
        for ready, wanted in selector.select(0.1):
            client = ready.data
            try:
                next_wanted = client.step()
            except OSError as error:
                why = repr(error)
                selector.unregister(client.socket)
                client.socket.close()
                client.open()
                selector.register(client.socket, selectors.EVENT_WRITE, client)
                continue
            if next_wanted != wanted:
                selector.modify(client.socket, next_wanted, client)
    results.put((told, why))


def summary(result):
    took, receipts, failed, why = result
    told = {"calls": len(took), "p50": percentile(took, 0.5), "p99": percentile(took, 0.99), "most": percentile(took, 1)}
    return told | {"receipts": receipts, "failed": failed} | ({"why": why} if why else {})


def main():
    args = arguments()
    address = address_here(args.base)

    calm = Neighbour(neighbour, address, args)
    time.sleep(args.calm)
    before = summary(calm.end())

    stop, results = multiprocessing.Event(), multiprocessing.Queue()
    keys = args.keys.split(",")
    floods = [multiprocessing.Process(target=flood, args=(address, args, key, stop, results)) for key in keys]
    for process in floods:
        process.start()
    during = Neighbour(neighbour, address, args)
    time.sleep(args.seconds)
    during = summary(during.end())
    stop.set()
    answered = [results.get() for _ in keys]
    for process in floods:
        process.join()

    times = {name: round(during[name] / before[name], 2) if before[name] else 0.0 for name in ("p50", "p99")}
    is_reached = (
        times["p50"] <= args.most_p50_times
        and times["p99"] <= args.most_p99_times
        and during["calls"] > 0
        and during["receipts"] == during["failed"] == before["failed"] == 0
    )
    flooded = [{"events": told} | ({"why": why} if why else {}) for told, why in answered]
    told = {"seconds": args.seconds, "what": args.what, "before_ms": before, "during_ms": during}
    print(json.dumps(told | {"times": times, "floods": flooded, "is_reached": is_reached}))
    for name, row in (("before", before), ("during", during)):
        print(f"{name:8} p50 {row['p50']:9.2f} ms   p99 {row['p99']:9.2f} ms   receipts {row['receipts']}", file=sys.stderr)
    print(f"{'times':8} p50 {times['p50']:9.2f}      p99 {times['p99']:9.2f}", file=sys.stderr)
    sys.exit(0 if is_reached else 1)


if __name__ == "__main__":
    main()
