"""`pmsgan build-engine`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.terminal import show_lines
from pmsgan.engine.choices import CompilingBackend

Size = Annotated[
    str | None,
    typer.Option(
        help="Side of the pictures, or WIDTHxHEIGHT, such as 512 or 512x768 [pixels].",
        show_default="the size that convert uses",
    ),
]
MaxBatch = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Batch size on a GPU; give convert the same value.",
        show_default="8",
    ),
]
ComputeCapability = Annotated[
    str | None,
    typer.Option(
        help="Build with TensorRT for RTX for another GPU, such as 8.9 or portable.",
        show_default="the GPU that is here",
    ),
]
Workspace = Annotated[
    int | None,
    typer.Option(
        min=1, help="TensorRT: memory limit for kernels [MiB].", show_default="all of the GPU's"
    ),
]
MaxAuxStreams = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="TensorRT: streams for independent branches.",
        show_default="TensorRT's choice",
    ),
]
OptimizationLevel = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=5,
        help="TensorRT: 0 builds quickly, 5 searches longest.",
        show_default="TensorRT's choice",
    ),
]


@one_line_errors
def build_engine(
    style: Annotated[str, typer.Option(help="Name of a style, or its folder.")] = "anime",
    size: Size = None,
    fp16: Annotated[
        bool,
        typer.Option(
            "--fp16/--fp32",
            help="Half precision (bf16 on a CPU that supports it), or single precision.",
        ),
    ] = True,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Use INT8 where it is faster; the style must be calibrated."),
    ] = False,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help="With --int8: calibrate the style on these pictures, a few dozen of the kind that "
            "it was made for. A quarter of them is held back to check the result, which must reach "
            "40 dB PSNR to FP32.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    into_style: Annotated[
        bool,
        typer.Option(
            "--into-style", help="With --calibrate: write the calibration into the style, too."
        ),
    ] = False,
    backend: Annotated[CompilingBackend, typer.Option(help="Runtime to build for.")] = "auto",
    max_batch: MaxBatch = None,
    compute_capability: ComputeCapability = None,
    require_gpu: Annotated[
        bool, typer.Option("--require-gpu", help="Fail if no GPU can run the style.")
    ] = False,
    workspace: Workspace = None,
    max_aux_streams: MaxAuxStreams = None,
    optimization_level: OptimizationLevel = None,
    profile: Annotated[
        bool,
        typer.Option("--profile", help="TensorRT: run the engine, and time each of its layers."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a style for this machine, or for another GPU.

    The engine goes into your cache. pmsgan convert also builds one when it starts, if the cache has
    none.
    """
    if calibrate is not None and not int8:
        raise typer.BadParameter("give --int8 with it", param_hint="--calibrate")
    if into_style and calibrate is None:
        raise typer.BadParameter("give --calibrate with it", param_hint="--into-style")
    from pmsgan.engine.build_ahead import prepare_engine
    from pmsgan.engine.tensorrt.build import DEFAULT_BATCH, BuildConfig

    config = BuildConfig(
        workspace_mib=workspace,
        max_aux_streams=max_aux_streams,
        optimization_level=optimization_level,
    )
    if calibrate is not None:
        from pmsgan.batch.calibrate import calibrate_style

        calibrate_style(style, calibrate, into_style=into_style)
    prepared = prepare_engine(
        style,
        size=None if size is None else _read_size(size),
        backend=backend,
        precision="int8" if int8 else "auto" if fp16 else "fp32",
        max_batch=max_batch or DEFAULT_BATCH,
        config=config if config != BuildConfig() else None,
        compute_capability=compute_capability,
        require_gpu=require_gpu,
        with_layer_times=profile,
    )
    show_lines(to_json(prepared.to_json()) if as_json else prepared.to_text())


def _read_size(text: str) -> tuple[int, int]:
    """Return the height and width that a user wrote."""
    if (sides := re.fullmatch(r"(\d+)(?:x(\d+))?", text)) is None:
        raise typer.BadParameter(
            f"{text!r} is not a size such as 512 or 512x768", param_hint="--size"
        )
    width, height = sides.groups()
    return int(height or width), int(width)
