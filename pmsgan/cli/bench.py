"""`pmsgan bench`."""

from pathlib import Path
from typing import Annotated

import typer

from pmsgan.benchmark.config import CONTENDERS, BenchmarkConfig
from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.terminal import print_note, show_lines
from pmsgan.errors import ConfigError

_USUAL = BenchmarkConfig()


@one_line_errors
def bench(
    style: Annotated[str, typer.Option(help="Name of a style, or its folder.")] = "anime",
    sizes: Annotated[
        str,
        typer.Option(
            help="Sides of the pictures, such as 256,512 [pixels].", show_default="the style's"
        ),
    ] = "",
    batches: Annotated[
        str, typer.Option(help="Batch sizes, such as 1,4,8.", show_default="the engine's choice")
    ] = "",
    backends: Annotated[str, typer.Option(help=f"all, or some of {','.join(CONTENDERS)}.")] = "all",
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads to compute with.", show_default="all"),
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            min=1, help="Number of times to measure each backend, each time in a new process."
        ),
    ] = _USUAL.num_rounds,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures to measure on.", show_default="drawn ones"),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for bench.json, bench.md, bench.svg.")
    ] = Path("bench"),
    as_json: JsonOption = False,
) -> None:
    """Compare all engines that can run a style here.

    The first backend that can run here is compared with each of the others on the same pictures:
    throughput in memory and files to files, and accuracy. Among the others are eager PyTorch,
    torch.compile, and untrained peers: the generators of pix2pix and CycleGAN, and U2-Net. It takes
    minutes; slow networks and several sizes take an hour. --rounds 1 takes a third of that and
    varies more.
    """
    config = BenchmarkConfig(
        sizes=_numbers(sizes, "--sizes"),
        batches=_numbers(batches, "--batches"),
        contenders=CONTENDERS if backends == "all" else tuple(backends.split(",")),
        num_threads=threads,
        num_rounds=rounds,
    )
    from pmsgan.benchmark.files import write_benchmark
    from pmsgan.benchmark.run import run_benchmark

    try:
        output.mkdir(parents=True, exist_ok=True)  # rather now than after an hour
    except OSError as error:
        raise ConfigError(f"cannot write to {output}: {error.strerror}") from error
    result = run_benchmark(style, config, pictures)
    write_benchmark(result, output)
    show_lines(to_json(result.to_json()) if as_json else result.to_text())
    print_note(f"report: {output / 'bench.md'}")
    if any(entry.is_failure for entry in result.missing):
        raise typer.Exit(ExitCode.SOME_FAILED)


def _numbers(text: str, option: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a list of numbers such as 1,4,8", param_hint=option
        ) from None
