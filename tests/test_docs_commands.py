"""The commands of the documentation run, or a comment says why a test cannot run them.

`<!-- not run: REASON -->` directly before a block of shell code marks it; `<!-- not run, lines with
"TEXT": REASON -->` marks those of its lines. What a page only names (folders, pictures, styles) is
made by tests/fixtures/documented.py, which also shortens what would take hours.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
from documented import SHOTS, picture
from ports import free_port

from pmsgan.styles.registry import Style

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
MARK = re.compile(r'<!-- not run(?:, lines with "(.+?)")?: (.+?) -->\n')
BLOCK = re.compile(r"((?:^<!-- not run[^\n]*\n)*)^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
REASONS = {
    "continuous integration runs it",
    "it installs packages",
    "it leaves Ray running",
    "it needs a bucket",
    "it needs an NVIDIA GPU",
    "it needs Docker",
    "it needs Node.js and its packages",
    "it needs scikit-image",
    "it needs several machines",
    "it runs this test",
    "it takes hours",
    "the data set must be asked for",
}
PROGRAMS = {
    ".venv/bin/pmsgan", ".venv/bin/python", "curl", "export", "for", "ls", "pmsgan", "python",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A block of shell code, and its comments."""

    page: str
    marks: tuple[tuple[str, str], ...]
    """Text of the lines that are not run, empty for all of them; and the reason."""
    language: str
    code: str

    @property
    def commands(self) -> list[str]:
        """Its commands; a loop is one."""
        lines = re.sub(r"\\\n\s*", "", self.code)
        return re.split(r"\n+(?!\s|done)", lines.strip())

    def reason(self, command: str) -> str | None:
        """Return why a command is not run; None if it is."""
        return next((reason for text, reason in self.marks if text in command), None)


def read_blocks() -> list[Block]:
    found = []
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        for marks, language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
            found.append(Block(name, tuple(MARK.findall(marks)), language, code))
    return found


BLOCKS = read_blocks()
SHELL = [it for it in BLOCKS if it.language == "sh"]
TO_RUN = [it for it in SHELL if not all(map(it.reason, it.commands))]


def test_each_block_of_commands_runs_or_says_why_not() -> None:
    for block in SHELL:
        for text, reason in block.marks:
            assert reason in REASONS, f"{block.page}: {reason}"
            assert any(text in it for it in block.commands), f"{block.page}: no line has {text}"
        for command in block.commands:
            program = command.split()[0]
            assert block.reason(command) or program in PROGRAMS, (
                f"{block.page}: mark {command}, or let a test run {program}"
            )


def test_no_command_and_no_mark_is_overlooked() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert sum(len(it.marks) for it in SHELL) == len(re.findall(r"(?m)^\s*<!-- not run", text))
    assert len(SHELL) == len(re.findall(r"(```|~~~) *(sh|bash|shell|console)\b", text))
    for block in BLOCKS:
        if block.language != "sh":
            assert not re.search(r"(?m)^(\$ |pmsgan |pip |python )", block.code), block.code


def script(block: Block, port: int) -> str:
    """Return what bash runs: a server answers before the next command asks it."""
    lines = [it for it in block.commands if not block.reason(it)]
    if any(it.startswith("curl") for it in lines) and not any("pmsgan serve" in it for it in lines):
        lines.insert(0, "pmsgan serve")
    serve = (
        rf"\g<0> --port {port} &\n"
        f"until curl localhost:{port}/healthz >/dev/null 2>&1; do kill -0 $!; sleep 0.2; done"
    )
    text = re.sub(r"(?m)^(\.venv/bin/)?pmsgan serve( -[^#\n]*[^#\s])?", serve, "\n".join(lines))
    text = re.sub(r"(localhost|server):8000", f"localhost:{port}", text)
    return f"set -eu -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{text}\n"


def lay_out(folder: Path) -> None:
    """Make what each page may use: the programs, the files beside them, and single pictures."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    stand_in = ROOT / "tests" / "fixtures" / "documented.py"
    for name in ("pmsgan", "python"):
        (programs / name).write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" {name} "$@"\n'
        )
        (programs / name).chmod(0o755)
    for name in ("samples", "tools"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "docs" / "styles").mkdir(parents=True)
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    for number, name in enumerate(SHOTS):
        cv2.imwrite(str(folder / name), picture(number))


@pytest.mark.soak
@pytest.mark.usefixtures("needs_torch")
@pytest.mark.parametrize("block", TO_RUN, ids=lambda it: f"{it.page}-{it.code[:40]}")
def test_a_block_of_commands_runs(block: Block, style: Style, tmp_path: Path) -> None:
    lay_out(tmp_path)
    environment = os.environ | {
        "CURL_HOME": str(tmp_path),
        "PATH": f"{tmp_path}/.venv/bin:{os.environ['PATH']}",
        "TINY_STYLE": str(style.folder),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    ended = subprocess.run(
        ["bash", "-c", script(block, free_port())], cwd=tmp_path, env=environment,
        capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    lacking = "FSIM not measured: (.*)|(pmsgan evaluate needs .*)"
    if absent := re.search(lacking, ended.stdout + ended.stderr):
        pytest.skip(absent[1] or absent[2])
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
