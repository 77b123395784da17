"""Load a server: requests a second and latency beside the engine's own rate; memory; misbehaviour.

python tools/bench_serve.py --style anime                  1, 8 and 32 clients, 60 seconds each
python tools/bench_serve.py --style anime --requests 5000  memory of the server over so many
python tools/bench_serve.py --style anime --hostile        good clients beside others

The server runs in a process of its own, on loopback, and so does the engine before it. The sketches
are sent at the size of the style, 256x256, so that the engine has the same work. Clients keep
their connections, and no picture is sent twice: bytes behind its end make each another file.
"""

import argparse
import asyncio
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from PIL import Image

ENGINE_ALONE = """
import sys, time
import numpy as np
from pmsgan.engine.open import open_engine
style, seconds = sys.argv[1], float(sys.argv[2])
with open_engine(style) as engine:
    info = engine.info
    shape = (8 * info.max_batch, info.height, info.width, 3)
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    engine.translate(pictures)
    start, cpu, num_done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() < start + seconds:
        engine.translate(pictures)
        num_done += len(pictures)
    cpu_ms = 1e3 * (time.process_time() - cpu) / num_done
    print(f"{num_done / (time.perf_counter() - start):.1f} pictures/s, {cpu_ms:.1f} ms of CPU each")
"""
FILES_ALONE = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
import pmsgan
style, seconds = sys.argv[1], float(sys.argv[2])
files = [open(name, "rb").read() for name in sys.argv[3:]]
with pmsgan.open_style(style) as translator, ThreadPoolExecutor(16) as threads:
    list(threads.map(translator.translate, files))
    start, cpu, num_done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() < start + seconds:
        num_done += len(list(threads.map(translator.translate, files * 4)))
    cpu_ms = 1e3 * (time.process_time() - cpu) / num_done
    print(f"{num_done / (time.perf_counter() - start):.1f} pictures/s, {cpu_ms:.1f} ms of CPU each")
"""
_numbers = count()


class Server:
    """A server in a process of its own."""

    def __init__(self, style: str, log: Path) -> None:
        """Start it, and wait until it listens."""
        self.log = log
        command = [sys.executable, "-m", "pmsgan", "serve", "--style", style, "--port", "0"]
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().decode().strip().rstrip("/").split(":")[-1])
        self.path = f"/v1/styles/{style}"

    def memory_mib(self, field: str) -> float:
        """Return VmRSS, now, or VmHWM, the peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition(f"{field}:")[2].split()[0]) / 1024

    def cpu_s(self) -> float:
        """Return the time of all cores that it has used [s]."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()


@contextmanager
def serving(style: str) -> Iterator[Server]:
    """Run a server; its log stays in serve.log."""
    server = Server(style, Path("serve.log"))
    try:
        yield server
    finally:
        print(f"SIGTERM: exit code {server.end()}")


def head(server: Server, length: int | str) -> bytes:
    """Return the head of a request."""
    size = f"Content-Length: {length}" if isinstance(length, int) else "Transfer-Encoding: chunked"
    return f"POST {server.path} HTTP/1.1\r\nHost: localhost\r\n{size}\r\n\r\n".encode()


async def post(
    server: Server, pair: tuple[asyncio.StreamReader, asyncio.StreamWriter], body: bytes
) -> int:
    """Send a picture and read the result; return the status."""
    reader, writer = pair
    writer.write(head(server, len(body)) + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(answer.lower().partition(b"content-length:")[2].split()[0]))
    return int(answer.split()[1])


async def client(
    server: Server, files: list[bytes], goes_on: Callable[[], bool], times: list[float]
) -> Counter[object]:
    """Send one picture after the other; return how often each status came."""
    ends: Counter[object] = Counter()
    pair = None
    while goes_on():
        number = next(_numbers)
        start = time.perf_counter()
        try:
            pair = pair or await asyncio.open_connection("127.0.0.1", server.port)
            ends[
                await post(server, pair, files[number % len(files)] + number.to_bytes(8, "big"))
            ] += 1
            times.append(time.perf_counter() - start)
        except (OSError, asyncio.IncompleteReadError) as error:
            ends[type(error).__name__] += 1
            pair = None
    if pair is not None:
        pair[1].close()
    return ends


async def load(
    server: Server, files: list[bytes], num_clients: int, goes_on: Callable[[], bool]
) -> str:
    """Let some clients send pictures; say how that went."""
    times: list[float] = []
    start, cpu_s = time.perf_counter(), server.cpu_s()
    ends = await asyncio.gather(
        *(client(server, files, goes_on, times) for _ in range(num_clients))
    )
    rate = len(times) / (time.perf_counter() - start)
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    cpu_ms = 1e3 * (server.cpu_s() - cpu_s) / max(1, len(times))
    return (
        f"{num_clients:3} clients: {rate:6.1f} pictures/s, p50 {1e3 * cuts[49]:6.1f} ms, "
        f"p95 {1e3 * cuts[94]:6.1f} ms, {cpu_ms:5.1f} ms of CPU each, "
        f"statuses {dict(sum(ends, Counter()))}"
    )


def until(end: float) -> Callable[[], bool]:
    """Return what says whether it is earlier than a time of the monotonic clock."""
    return lambda: time.monotonic() < end


def png_bomb() -> bytes:
    """Return a PNG of a few hundred kilobytes that claims 20000 x 20000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    size = (20_000).to_bytes(4, "big") * 2
    data = zlib.compress(bytes(100_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\0\0\0") + chunk(b"IDAT", data)


async def answer_to(server: Server, *parts: bytes, holds_s: float = 0.0) -> str:
    """Send something, and return the first line of what comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    with suppress(OSError):
        for part in parts:
            writer.write(part)
            await writer.drain()
    try:
        line = await asyncio.wait_for(reader.readline(), holds_s or 60)
        return line.decode().strip() or "ended"
    except (OSError, asyncio.TimeoutError) as error:
        return type(error).__name__
    finally:
        writer.close()


async def hold_connections(server: Server, wanted: int) -> str:
    """Ask once on each of many connections and keep them, as many as the system lets us."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    writers = []
    for _ in range(min(wanted, limit - 200)):
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writers.append(writer)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(3)
    for writer in writers:
        writer.close()
    return f"{len(writers)} connections were kept"


async def misbehave(server: Server, files: list[bytes]) -> None:
    """Let each kind of bad client work beside eight good ones."""
    picture, bomb, mebibyte = files[0], png_bomb(), bytes(2**20)
    piece = b"100000\r\n" + mebibyte + b"\r\n"
    half = head(server, len(picture)) + picture[: len(picture) // 2]
    whole = head(server, len(picture)) + picture

    async def many(make: Callable[[], Awaitable[str]], number: int) -> str:
        return str(dict(Counter(await asyncio.gather(*(make() for _ in range(number))))))

    kinds: dict[str, Callable[[], Awaitable[str]]] = {
        "nobody": lambda: asyncio.sleep(5, "nothing"),
        "hangs up": lambda: many(lambda: answer_to(server, whole, holds_s=0.001), 20),
        "half a body": lambda: many(lambda: answer_to(server, half, holds_s=5), 100),
        "600 MB, told": lambda: answer_to(server, head(server, 600 * 2**20), mebibyte),
        "600 MB, not told": lambda: answer_to(server, head(server, "?"), *[piece] * 600),
        "bomb": lambda: many(lambda: answer_to(server, head(server, len(bomb)) + bomb), 8),
        "garbage": lambda: many(lambda: answer_to(server, b"\x16\x03\x01garbage\r\n\r\n"), 20),
        "10,000 connections": lambda: hold_connections(server, 10_000),
    }
    for name, bad in kinds.items():
        is_over = asyncio.Event()
        good = asyncio.create_task(load(server, files, 8, lambda: not is_over.is_set()))  # noqa: B023
        await asyncio.sleep(1)
        said = await bad()
        await asyncio.sleep(1)
        is_over.set()
        print(f"{name}: {said}\n    {await good}", flush=True)
    print(f"peak memory {server.memory_mib('VmHWM'):.0f} MiB")
    lines = server.log.read_text().splitlines()
    bad_lines = Counter(
        line.split(" bytes ")[-1].split(": ")[-1] for line in lines if " 200 " not in line
    )
    for line, number in bad_lines.most_common():
        print(f"log: {number} x {line[:120]}")


def own_rate(code: str, *arguments: object) -> str:
    """Return what some code prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def resized(path: Path, side: int, folder: Path) -> Path:
    """Write a picture in another size, as a JPEG; return its path."""
    result = folder / f"{path.stem}.jpg"
    with Image.open(path) as image:
        image.convert("RGB").resize((side, side), Image.Resampling.BOX).save(result, quality=95)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    pictures = sorted(Path("samples/sketches").iterdir())
    parser.add_argument("pictures", nargs="*", type=Path, default=pictures)
    parser.add_argument("--style", default="anime")
    parser.add_argument(
        "--side", type=int, default=256, help="of pictures; 0 is as they are (default: 256)"
    )
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--hostile", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = arguments.pictures
        if arguments.side:
            paths = [resized(path, arguments.side, Path(folder)) for path in paths]
        measure(arguments, paths)


def measure(arguments: argparse.Namespace, paths: list[Path]) -> None:
    """Measure what the arguments ask for."""
    files = [path.read_bytes() for path in paths]
    if not (arguments.hostile or arguments.requests):
        seconds = arguments.seconds / 2
        print(f"engine alone, arrays: {own_rate(ENGINE_ALONE, arguments.style, seconds)}")
        alone = own_rate(FILES_ALONE, arguments.style, seconds, *paths)
        print(f"a translator in one process, files to files: {alone}", flush=True)
    with serving(arguments.style) as server:
        if arguments.hostile:
            asyncio.run(misbehave(server, files))
        elif arguments.requests:
            for done in range(0, arguments.requests, 500):
                left = iter(range(500))
                told = asyncio.run(load(server, files, 32, lambda: next(left, None) is not None))  # noqa: B023
                now, peak = server.memory_mib("VmRSS"), server.memory_mib("VmHWM")
                print(f"{done + 500} requests: {now:.0f} MiB, peak {peak:.0f} MiB; {told}")
        else:
            for number in map(int, arguments.clients.split(",")):
                end = until(time.monotonic() + arguments.seconds)
                print(asyncio.run(load(server, files, number, end)), flush=True)


if __name__ == "__main__":
    main()
