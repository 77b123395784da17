"""A style that translates pictures one by one, from many threads."""

import gc
import io
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pictures as picture_cases
import pytest
from numpy.typing import NDArray
from PIL import Image

import pmsgan
from pmsgan.batch import ConvertSettings, RunSettings, convert_folder, convert_picture
from pmsgan.batch import translator as translator_module
from pmsgan.batch.pictures.decode import decode
from pmsgan.batch.translator import Translator, open_style
from pmsgan.engine.open import open_engine
from pmsgan.errors import ConfigError, EngineError, ImageError, StyleError
from pmsgan.styles.registry import Style
from pmsgan.styles.scaling import Scaling, ScalingMode

Pictures = NDArray[np.uint8]
SIDE = 8
PATIENCE_S = 30
"""Longer than anything here takes; a test that hangs fails."""
CASES = [
    case
    for case in picture_cases.cases()
    if case.failure is None and case.note is None and not case.name.startswith("text-bomb")
]


def frames(count: int) -> list[Pictures]:
    """Pictures of the Inverter's size that cannot be taken for each other."""
    made = [np.full((SIDE, SIDE, 3), number, np.uint8) for number in range(count)]
    for frame in made:
        frame[0, 0] = 255  # a picture of one colour would come out as one, which is suspicious
    return made


class Opened:
    """A translator on an engine that inverts, and that engine."""

    def __init__(
        self, make_engine: Callable[..., Any], patch: pytest.MonkeyPatch, style: Style
    ) -> None:
        self.engine: Any = None
        self.style = style
        self.closed = threading.Event()
        self._make_engine = make_engine
        self._patch = patch

    def __call__(self, settings: ConvertSettings | None = None, **options: Any) -> Translator:
        def opener(*args: Any, **kwargs: Any) -> Any:
            self.engine = self._make_engine(**options)
            self.engine._close = self.closed.set
            return self.engine

        self._patch.setattr(translator_module, "open_engine", opener)
        return open_style(self.style, **({} if settings is None else {"settings": settings}))

    def hold(self) -> threading.Event:
        """Let the engine wait until the event is set."""
        held = threading.Event()
        self.engine.before_wait = lambda: held.wait(PATIENCE_S)
        return held


@pytest.fixture
def opened(
    make_engine: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, style: Style
) -> Opened:
    return Opened(make_engine, monkeypatch, style)


@pytest.fixture
def inverting(opened: Opened) -> Iterator[Translator]:
    with opened() as translator:
        yield translator


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def num_waiting(translator: Translator) -> int:
    return len(translator._engine._waiting)


def png(image: Pictures) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def test_results_are_those_of_the_engine_and_of_a_conversion(
    style: Style, in_dir: Path, tmp_path: Path, pictures: Pictures
) -> None:
    convert_folder(in_dir, tmp_path / "out", style, run=RunSettings(max_batch=3))
    with open_engine(style) as engine:
        expected = engine.translate(pictures)
    with pmsgan.open_style(style) as translator:
        for index, picture in enumerate(pictures):
            np.testing.assert_array_equal(translator.translate(picture), expected[index])
        path = in_dir / "picture_0.png"
        converted = (tmp_path / "out" / "picture_0.png").read_bytes()
        assert translator.translate(path) == converted
        assert translator.translate(str(path)) == converted
        assert translator.translate(bytearray(path.read_bytes())) == converted
        image = translator.translate(Image.open(path))
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image)[:, :, ::-1], expected[0])
        assert translator.info.height == 64


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 13), (600, 401)])
def test_a_result_has_the_size_of_its_picture(style: Style, size: tuple[int, int]) -> None:
    picture = picture_cases.photo(*size)
    with open_style(str(style.folder)) as translator:
        if size == (1, 1):  # has one colour, and so may its translation
            assert translator.translate(np.zeros((1, 1, 3), np.uint8)).shape == (1, 1, 3)
            return
        assert translator.translate(picture).shape == (*size, 3)
        assert translator.translate(Image.fromarray(picture)).size == size[::-1]
        assert decode(translator.translate(png(picture))).pixels.shape == (*size, 3)


@pytest.mark.parametrize("mode", ["guided", "tiles"])
def test_a_style_gives_the_same_in_memory_and_from_files(
    mode: ScalingMode, style: Style, tmp_path: Path
) -> None:
    scaled = replace(style, scaling=Scaling(mode=mode, working_size=130))
    image = picture_cases.photo(300, 200)
    path = tmp_path / "a.png"
    path.write_bytes(png(image))
    convert_picture(path, tmp_path / "out.png", scaled)
    with pmsgan.open_style(scaled) as translator, pmsgan.open_style(style) as plain:
        assert translator.translate(path) == (tmp_path / "out.png").read_bytes()
        result = translator.translate(image)
        np.testing.assert_array_equal(decode(translator.translate(path)).pixels, result)
        swapped = np.ascontiguousarray(image[:, :, ::-1])
        shown = np.asarray(translator.translate(Image.fromarray(swapped)))
        np.testing.assert_array_equal(shown[:, :, ::-1], result)
        assert (plain.translate(image) != result).any()
        for found in translator.translate_each([image] * 3):
            np.testing.assert_array_equal(found, result)


def test_settings_are_those_of_a_conversion(opened: Opened) -> None:
    picture = picture_cases.photo(30, 40)
    with opened(ConvertSettings(output_format="jpg", output_size="style")) as translator:
        assert translator.translate(picture).shape == (6, SIDE, 3)
        assert translator.translate(png(picture)).startswith(b"\xff\xd8\xff")
    with opened(ConvertSettings(fit="crop")) as translator:
        assert translator.translate(picture).shape == (30, 30, 3)


def test_the_same_format_is_that_of_the_file(opened: Opened, tmp_path: Path) -> None:
    with opened(ConvertSettings(output_format="same")) as translator:
        for kind, starts in (("JPEG", b"\xff\xd8\xff"), ("WEBP", b"RIFF"), ("TIFF", b"\x89PNG")):
            data = picture_cases.encoded(picture_cases.photo(), kind)
            assert translator.translate(data).startswith(starts)
        path = tmp_path / "a.webp"  # as its name says, like a conversion
        path.write_bytes(png(picture_cases.photo()))
        assert translator.translate(path).startswith(b"RIFF")


def test_arrays_follow_the_rules_of_files(inverting: Translator) -> None:
    colour = picture_cases.photo(20, 30)
    grey = colour[:, :, 0]
    expected = inverting.translate(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    np.testing.assert_array_equal(inverting.translate(grey), expected)
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:, 10:] = 255
    result = inverting.translate(np.dstack([colour, alpha]))
    np.testing.assert_array_equal(result[:, :, 3], alpha)
    assert (result[:, :4, :3] < 8).all()  # white behind it, inverted
    of_file = inverting.translate(png(np.dstack([colour, alpha])))
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(of_file, np.uint8), -1), result)


def test_an_array_may_lie_in_memory_in_any_way_and_is_left_alone(inverting: Translator) -> None:
    picture = picture_cases.photo(20, 30)
    expected = inverting.translate(picture)
    picture.flags.writeable = False
    np.testing.assert_array_equal(inverting.translate(picture), expected)
    backwards = np.ascontiguousarray(picture[::-1, :, ::-1])[::-1, :, ::-1]
    np.testing.assert_array_equal(inverting.translate(backwards), expected)
    columns = np.asfortranarray(picture)
    np.testing.assert_array_equal(inverting.translate(columns), expected)


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case.name)[:40])
def test_a_pil_image_is_translated_as_its_file_is(
    inverting: Translator, case: picture_cases.Case
) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        expected = inverting.translate(case.data)
        try:
            image = Image.open(io.BytesIO(case.data))
        except (OSError, ValueError, SyntaxError):
            pytest.skip("Pillow alone does not open it")
        result = inverting.translate(image)
    found = cv2.imdecode(np.frombuffer(expected, np.uint8), cv2.IMREAD_UNCHANGED)
    assert result.mode == ("RGBA" if found.shape[2] == 4 else "RGB")
    pixels = np.asarray(result)
    pixels = pixels[:, :, [2, 1, 0, 3]] if result.mode == "RGBA" else pixels[:, :, ::-1]
    assert pixels.shape == found.shape
    # A large JPEG is decoded smaller from its file.
    assert np.abs(pixels.astype(int) - found).max() <= (12 if image.format == "JPEG" else 1)


@pytest.mark.parametrize(("mode", "scale"), [("L", 1), ("I;16", 257)])
def test_a_level_of_a_pil_image_that_is_transparent_stays_so(
    inverting: Translator, mode: str, scale: int
) -> None:
    levels = picture_cases.photo(20, 30)[:, :, 0].copy()
    levels[:4] = 200
    image = Image.fromarray(levels if scale == 1 else levels.astype(np.uint16) * scale)
    assert image.mode == mode
    image.info |= {"transparency": 200 * scale, "icc_profile": b"no profile"}
    alpha = np.asarray(inverting.translate(image).getchannel("A"))
    np.testing.assert_array_equal(alpha, np.where(levels == 200, 0, 255))


def test_a_pil_image_whose_grey_is_multiplied_by_its_alpha_is_translated(
    inverting: Translator,
) -> None:
    image = Image.fromarray(picture_cases.photo(20, 30)).convert("LA")
    expected = np.asarray(inverting.translate(image))
    np.testing.assert_array_equal(np.asarray(inverting.translate(image.convert("La"))), expected)


def test_a_pil_image_whose_file_is_cut_off_is_an_error(inverting: Translator) -> None:
    data = picture_cases.encoded(picture_cases.photo(), "JPEG")
    with pytest.raises(ImageError, match=r"the picture cannot be read: .*truncated"):
        inverting.translate(Image.open(io.BytesIO(data[:-500])))
    for mode in ("I", "F"):
        with pytest.raises(ImageError, match="32-bit samples"):
            inverting.translate(Image.new(mode, (9, 9)))
    with pytest.raises(ImageError, match="the picture has no pixels"):
        inverting.translate(Image.new("RGB", (0, 9)))


def test_an_error_names_the_picture(inverting: Translator, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"this is no picture")
    with pytest.raises(ImageError, match=r"bad\.png is not in a supported format"):
        inverting.translate(bad)
    with pytest.raises(ImageError, match="the picture is not in a supported format"):
        inverting.translate(b"this is no picture")
    with pytest.raises(ImageError, match=r"missing\.png cannot be read: No such file"):
        inverting.translate(str(tmp_path / "missing.png"))
    with pytest.raises(ImageError, match="cannot be read: "):
        inverting.translate("a\0b.png")
    with pytest.raises(ImageError, match="has no pixels"):
        inverting.translate(np.zeros((0, 4, 3), np.uint8))
    good = frames(2)[1]
    assert (inverting.translate(good) == 255 - good).all()


def test_a_picture_that_was_seen_gives_results_in_any_format(
    inverting: Translator,
) -> None:
    data = png(picture_cases.photo(30, 40))
    style_size = ConvertSettings(output_size="style", output_format="jpg")
    translated = inverting.run_network(data, ConvertSettings())
    assert translated.encode(translated.with_colours(ConvertSettings()), ConvertSettings()) == (
        inverting.translate(data)
    )
    jpeg = translated.encode(translated.with_colours(style_size), style_size)
    assert decode(jpeg).pixels.shape == (30, 40, 3)  # its size was chosen before
    small = inverting.run_network(data, style_size)
    assert small.render(small.loaded).shape == (6, SIDE, 3)
    assert small.num_bytes < translated.num_bytes + SIDE * SIDE * 3
    translated.with_colours(style_size).add_note("of one result")
    assert translated.with_colours(style_size).note is None


def test_a_link_is_followed(inverting: Translator, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(frames(3)[2]))
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    assert inverting.translate(tmp_path / "link.png").startswith(b"\x89PNG")


def test_what_is_no_picture_is_refused_in_one_line(inverting: Translator) -> None:
    for wrong in (None, 3, [1, 2], [np.zeros((4, 4, 3), np.uint8)], io.BytesIO(b"")):
        with pytest.raises(ConfigError, match="it must be a path, the bytes of a file") as caught:
            inverting.translate(wrong)  # type: ignore[call-overload]
        assert f"of type {type(wrong).__name__}: " in str(caught.value)
        assert "\n" not in str(caught.value)
    for array in (np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8),
                  np.zeros((2, 4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint16)):  # fmt: skip
        with pytest.raises(ConfigError, match=r"it must be uint8 \[H, W\], \[H, W, 3\] or") as said:
            inverting.translate(array)
        assert f"{array.dtype} {list(array.shape)}" in str(said.value)


def test_a_translation_of_one_colour_is_an_error(opened: Opened) -> None:
    with opened() as translator:

        def spoil() -> None:
            for slot in opened.engine.submitted:
                slot.input[:] = 0

        opened.engine.before_wait = spoil
        with pytest.raises(ImageError, match="the picture: its translation has only one colour"):
            translator.translate(frames(2)[1])


def test_a_batch_whose_start_fails_is_an_error(opened: Opened) -> None:
    with opened(fail_at=1) as translator, pytest.raises(EngineError, match="the device is lost"):
        translator.translate(frames(1)[0])


def test_calls_of_many_threads_are_translated_together(
    opened: Opened, pool: ThreadPoolExecutor
) -> None:
    with opened(max_batch=4) as translator:
        held = opened.hold()
        first = pool.submit(translator.translate, frames(1)[0])
        wait_until(lambda: opened.engine.counts == [1])
        others = [pool.submit(translator.translate, frame) for frame in frames(8)[1:]]
        wait_until(lambda: sum(opened.engine.counts) + num_waiting(translator) == 8)
        held.set()
        for number, call in enumerate([first, *others]):
            assert (call.result(PATIENCE_S) == 255 - frames(8)[number]).all()
        assert opened.engine.counts[0] == 1
        assert len(opened.engine.counts) <= 4
        assert opened.engine.max_in_flight <= 2


def test_results_of_many_threads_do_not_mix(
    inverting: Translator, pool: ThreadPoolExecutor
) -> None:
    wanted = frames(200)
    results = list(pool.map(inverting.translate, wanted))
    for frame, result in zip(wanted, results, strict=True):
        np.testing.assert_array_equal(result, 255 - frame)


def test_a_real_engine_serves_many_threads(
    style: Style, pictures: Pictures, pool: ThreadPoolExecutor
) -> None:
    with open_engine(style) as engine:
        expected = engine.translate(pictures)
    with open_style(style) as translator:
        results = list(pool.map(translator.translate, [*pictures] * 10))
    np.testing.assert_array_equal(np.stack(results), np.concatenate([expected] * 10))


def test_a_bad_picture_fails_alone(inverting: Translator, pool: ThreadPoolExecutor) -> None:
    calls = [
        pool.submit(inverting.translate, b"no picture" if number % 5 == 0 else frame)
        for number, frame in enumerate(frames(40))
    ]
    for number, call in enumerate(calls):
        if number % 5 == 0:
            with pytest.raises(ImageError):
                call.result(PATIENCE_S)
        else:
            assert (call.result(PATIENCE_S) == 255 - frames(40)[number]).all()


def test_a_lost_engine_fails_every_call(opened: Opened, pool: ThreadPoolExecutor) -> None:
    with opened(max_batch=2) as translator:
        held = threading.Event()

        def lose() -> None:
            held.wait(PATIENCE_S)
            raise EngineError("the device is lost")

        opened.engine.before_wait = lose
        calls = [pool.submit(translator.translate, frame) for frame in frames(8)]
        wait_until(lambda: sum(opened.engine.counts) + num_waiting(translator) == 8)
        held.set()
        for call in calls:
            with pytest.raises(EngineError, match="the device is lost"):
                call.result(PATIENCE_S)
        with pytest.raises(EngineError, match="the device is lost"):
            translator.translate(frames(1)[0])
        with pytest.raises(EngineError, match="the device is lost"):
            list(translator.translate_each(frames(3)))
    assert opened.closed.wait(PATIENCE_S)


def test_a_bug_in_an_engine_reaches_the_callers(opened: Opened) -> None:
    with opened() as translator:
        opened.engine.before_wait = lambda: [][0]
        with pytest.raises(EngineError, match="the engine failed: IndexError"):
            translator.translate(frames(1)[0])


def test_closing_waits_for_calls_in_work(opened: Opened, pool: ThreadPoolExecutor) -> None:
    translator = opened(max_batch=2)
    held = opened.hold()
    calls = [pool.submit(translator.translate, frame) for frame in frames(7)]
    wait_until(lambda: translator._engine._num_users == 7)
    closing = pool.submit(translator.close)
    wait_until(lambda: translator._engine._is_closing)
    assert not opened.closed.is_set()
    with pytest.raises(EngineError, match="the engine is closed: open the style again"):
        translator.translate(frames(1)[0])
    held.set()
    closing.result(PATIENCE_S)
    assert opened.closed.is_set()
    for number, call in enumerate(calls):
        assert (call.result(PATIENCE_S) == 255 - frames(7)[number]).all()


def test_a_closed_translator_says_so(inverting: Translator) -> None:
    results = inverting.translate_each(frames(20))
    first = next(results)
    inverting.close()
    inverting.close()
    assert (first == 255 - frames(1)[0]).all()
    with pytest.raises(EngineError, match="the engine is closed"):
        inverting.translate(frames(1)[0])
    with pytest.raises(EngineError, match="the engine is closed"):
        list(results)
    with pytest.raises(EngineError, match="the engine is closed"):
        inverting._engine.submit(frames(1)[0])


def test_what_fails_while_opening_is_raised(style: Style) -> None:
    with pytest.raises(StyleError):
        open_style("no-such-style")
    with pytest.raises(EngineError, match="max_batch is 0"):
        open_style(style, max_batch=0)
    with pytest.raises(EngineError, match="there is no backend 'cuda': give auto, tensorrt, "):
        open_style(style, backend="cuda")  # type: ignore[arg-type]


def test_a_style_may_be_a_path(style: Style) -> None:
    for place in (style.folder, str(style.folder)):
        with open_style(place) as translator:
            assert translator.info.height == style.height


@pytest.mark.parametrize(
    ("kind", "wrong", "told"),
    [
        (ConvertSettings, {"output_format": "jpeg"}, "it must be png, jpg, webp, same"),
        (ConvertSettings, {"fit": "cover"}, "it must be stretch, pad, crop"),
        (ConvertSettings, {"output_size": "huge"}, "it must be style, source"),
        (ConvertSettings, {"metadata": False}, "it must be keep, strip"),
        (ConvertSettings, {"precision": "int4"}, "it must be auto, fp32, bf16, fp16, int8"),
        (RunSettings, {"backend": "cuda"}, "it must be auto, tensorrt, "),
    ],
)
def test_a_choice_that_there_is_not_is_told(kind: Any, wrong: dict[str, Any], told: str) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(ConfigError, match=f"{name} is {value!r}: {told}"):
        kind(**wrong)


def test_an_engine_that_cannot_be_closed_is_a_warning(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    with opened():
        opened.engine._close = lambda: [][0]
    assert "the engine cannot be closed" in caplog.text


def test_a_translator_that_nobody_has_any_more_is_closed(opened: Opened) -> None:
    translator = opened()
    translator.translate(frames(1)[0])
    del translator
    gc.collect()
    assert opened.closed.wait(PATIENCE_S)


def test_an_abandoned_engine_fails_those_who_wait(
    opened: Opened, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = opened(max_batch=1)
    held = opened.hold()
    calls = [pool.submit(translator.translate, frame) for frame in frames(4)]
    wait_until(lambda: sum(opened.engine.counts) + num_waiting(translator) == 4)
    num_refused = num_waiting(translator)
    monkeypatch.setattr("pmsgan.engine.shared._PATIENCE_S", 0.01)
    translator._engine.abandon()
    held.set()
    failures = [call for call in calls if call.exception(PATIENCE_S) is not None]
    assert len(failures) == num_refused >= 2
    for call in failures:
        with pytest.raises(EngineError, match="the program is ending"):
            call.result()
    assert opened.closed.wait(PATIENCE_S)


def test_a_sequence_is_translated_in_order_a_little_ahead(opened: Opened) -> None:
    with opened(max_batch=4) as translator:
        wanted = frames(50)
        taken = 0

        def film() -> Iterator[Pictures]:
            nonlocal taken
            for frame in wanted:
                taken += 1
                shown = frame.copy()
                yield shown
                shown[:] = 7  # a camera writes the next frame over this one

        results = translator.translate_each(film())
        assert taken == 0
        for number, result in enumerate(results):
            np.testing.assert_array_equal(result, 255 - wanted[number])
            assert taken <= number + 8
        assert taken == 50
        assert max(opened.engine.counts) > 1
        np.testing.assert_array_equal(
            np.stack([*translator.translate_each(np.stack(wanted))]), 255 - np.stack(wanted)
        )
        assert [*translator.translate_each([])] == []


def test_a_sequence_may_be_of_any_kind_and_left_early(
    inverting: Translator, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for path, frame in zip(paths, frames(12), strict=True):
        path.write_bytes(png(frame))
    assert [*inverting.translate_each(paths)] == [inverting.translate(path) for path in paths]
    for image in inverting.translate_each(Image.open(path) for path in paths):
        assert image.size == (SIDE, SIDE)
        break
    results = inverting.translate_each([*paths[:3], b"no picture", *paths[3:]])
    with pytest.raises(ImageError, match="the picture is not in a supported"):
        list(results)


def test_one_picture_is_no_sequence(inverting: Translator, tmp_path: Path) -> None:
    frame = frames(1)[0]
    for one in ("a.png", tmp_path, b"a", Image.fromarray(frame), frame, frame[:, :, 0]):
        with pytest.raises(ConfigError, match="takes a sequence of pictures: use translate"):
            inverting.translate_each(one)  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="takes a sequence of pictures, not int"):
        inverting.translate_each(3)  # type: ignore[call-overload]


LEFT_OPEN = """
import sys, threading
import numpy as np
import pmsgan

translator = pmsgan.open_style(sys.argv[1])
picture = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)

def work():
    while True:
        translator.translate(picture)

{threads}
frames = translator.translate_each([picture] * 50)
next(frames)
{end}
"""


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "translator.close()"])
@pytest.mark.parametrize("threads", [0, 4])
def test_a_program_that_leaves_it_open_ends(style: Style, threads: int, end: str) -> None:
    start = f"for _ in range({threads}): threading.Thread(target=work, daemon=True).start()"
    code = LEFT_OPEN.format(threads=start, end=end)
    result = subprocess.run(
        [sys.executable, "-c", code, style.folder], capture_output=True, timeout=120, check=False
    )
    # Python ends the program's own daemon threads wherever they are; inside C++ code, here that of
    # OpenCV, that is an abort. It must not hang, whatever happens to them.
    ends = (0, -signal.SIGABRT) if threads else (0,)
    assert result.returncode in ends, result.stderr
