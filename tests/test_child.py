"""Calls into a process of its own."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from in_child import double, open_counter, open_nothing

from pmsgan.child import ChildProcess, call_in_child
from pmsgan.errors import ChildError


@pytest.fixture
def child() -> Iterator[ChildProcess]:
    with ChildProcess(open_counter, 40) as opened:
        yield opened


def is_running(pid: int) -> bool:
    """Zombies do not count: the process that has to collect an orphan may be slow."""
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} is left over"
        time.sleep(0.02)


def test_an_object_answers_calls(child: ChildProcess) -> None:
    assert [child.call("add", number) for number in (1, 1, -2)] == [41, 42, 40]


def test_one_function_is_called() -> None:
    assert call_in_child(double, 4) == 8
    assert call_in_child(functools.partial(double, plus=1), 4, timeout_s=None) == 9


def test_large_arrays_pass(child: ChildProcess) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (20, 512, 512, 3), np.uint8)
    np.testing.assert_array_equal(child.call("invert", pictures), 255 - pictures)


def test_what_the_child_prints_is_no_answer(
    child: ChildProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    assert child.call("print_everywhere") == ""
    assert child.call("add", 2) == 42
    assert capfd.readouterr() == ("", "")


def test_an_inherited_stderr_shows_what_the_child_prints(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with ChildProcess(open_counter, 0, inherit_stderr=True) as child:
        child.call("print_everywhere")
        with pytest.raises(ChildError, match=r"^the process ended with exit code 7$"):
            child.call("die", "last words")
    assert capfd.readouterr() == (
        "", "from native code\nfrom Python\nto stderr\na warning\nlast words\n\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("raise_own", "the style is damaged: install it again"),
        ("raise_other", "ValueError: no such number"),
        ("exit", "SystemExit: 3"),
        ("lock", "TypeError: cannot pickle '_thread.lock' object"),
        ("missing", "AttributeError: 'Counter' object has no attribute 'missing'"),
    ],
)
def test_an_exception_is_one_line_and_the_child_goes_on(
    child: ChildProcess, method: str, text: str
) -> None:
    with pytest.raises(ChildError) as raised:
        child.call(method)
    assert str(raised.value) == text
    assert child.call("add", 2) == 42


def test_an_opener_that_fails_says_why() -> None:
    with pytest.raises(ChildError, match=r"^there is no such style$"), ChildProcess(open_nothing):
        pass


@pytest.mark.parametrize(
    ("last_words", "text"), [("out of memory", "out of memory"), ("", "exit code 7")]
)
def test_a_child_that_dies_leaves_its_last_words(
    child: ChildProcess, last_words: str, text: str
) -> None:
    for _ in range(2):  # a dead child stays dead
        with pytest.raises(ChildError, match=text):
            child.call("die", last_words)


def test_a_child_that_does_not_answer_is_killed() -> None:
    with ChildProcess(open_counter, 0, timeout_s=3.0) as child:
        pid = child.call("pid")
        with pytest.raises(ChildError, match=r"^no answer within 3 s$"):
            child.call("sleep")
        wait_until_gone(pid)


def test_the_child_ends_with_the_block() -> None:
    with ChildProcess(open_counter, 0) as child:
        pid = child.call("pid")
        assert is_running(pid)
    assert not is_running(pid)


def test_ctrl_c_kills_the_child() -> None:
    with pytest.raises(KeyboardInterrupt), ChildProcess(open_counter, 0) as child:
        pid = child.call("pid")
        os.kill(pid, signal.SIGINT)  # a terminal sends it to both; the parent decides
        assert child.call("add", 1) == 1
        interrupt = signal.pthread_kill, [threading.get_ident(), signal.SIGINT]
        threading.Timer(0.3, *interrupt).start()
        child.call("sleep")
    assert not is_running(pid)


def test_the_child_ends_with_its_parent_in_the_middle_of_a_call() -> None:
    code = (
        "from in_child import open_counter\n"
        "from pmsgan.child import ChildProcess\n"
        "with ChildProcess(open_counter, 0) as child:\n"
        "    print(child.call('pid'), flush=True)\n"
        "    child.call('sleep')\n"
    )
    fixtures = str(Path(__file__).parent / "fixtures")
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": fixtures},
    )  # fmt: skip
    with contextlib.closing(parent.stdout) as output:  # type: ignore[type-var]
        pid = int(output.readline())  # type: ignore[union-attr]
    assert is_running(pid)
    parent.kill()
    parent.wait()
    wait_until_gone(pid)


def test_the_child_imports_nothing_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("Python 3.10 has no safe path")
    (tmp_path / "pickle.py").write_text("raise SystemExit('hostile')\n")
    monkeypatch.chdir(tmp_path)
    assert call_in_child(double, 4) == 8
