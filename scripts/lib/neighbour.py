"""A neighbour in a process of its own, whose times scripts/attack and scripts/flood measure; and which servers they may bother."""

import multiprocessing
import socket
import sys
from urllib.parse import urlsplit


class Neighbour:
    """Runs `calls(*given, stop, results)` until its end is asked for."""

    def __init__(self, calls, *given):
        self.stop, self.results = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=calls, args=(*given, self.stop, self.results))
        self.process.start()

    def end(self):
        """What it put into its results."""
        self.stop.set()
        result = self.results.get()
        self.process.join()
        return result


def percentile(took, share):
    """Of sorted times."""
    return round(took[min(len(took) - 1, int(len(took) * share))], 2) if took else 0.0


def address_here(base):
    """Host and port of a URL of this machine."""
    base = urlsplit(base)
    if not socket.gethostbyname(base.hostname).startswith("127."):
        sys.exit("error: only servers on this machine are attacked")
    return base.hostname, base.port or 80
