"""A comparison as Markdown and LaTeX, with its paired bootstrap."""

import math

import numpy as np
import pytest

from pmsgan.evaluation.bootstrap import paired_difference
from pmsgan.evaluation.result import Comparison, Evaluation, Score, TrainedCount
from pmsgan.evaluation.table import remarks, to_latex, to_text

NO_NUMBERS = {"a": math.nan}


def evaluation(method: str, fid: Score, fsim: dict[str, float], **others: object) -> Evaluation:
    scores = {"fid": fid, "fsim": Score.of(fsim)}
    return Evaluation(method=method, scores=scores, num_pairs=2, failures={}, **others)  # type: ignore[arg-type]


FIRST = evaluation("50%_a", Score(value=12.0), {"a": 0.5, "b": 0.25})
UNKNOWN = evaluation(
    "b", Score(value=None, reason="no weights"), NO_NUMBERS, only_true=tuple("abcdefg")
)
BETTER = evaluation("c|d", Score(value=11.0), {"a": 0.75, "b": 0.25})


def compared(*evaluations: Evaluation, trained: TrainedCount | None = None) -> Comparison:
    return Comparison(evaluations=evaluations, sizes={(200, 250): 2}, trained=trained)


def test_the_best_is_bold_and_what_is_not_known_is_named() -> None:
    assert FIRST.scores["fsim"].value == 0.375
    comparison = compared(FIRST, UNKNOWN, BETTER)
    assert to_text(comparison).splitlines()[:5] == [
        "| method | FID, lower | FSIM, higher | pictures |",
        "| ------ | ---------: | -----------: | -------: |",
        "| 50%_a  |       12.0 |        0.375 |        2 |",
        "| b      |         -- |           -- |        2 |",
        r"| c\|d   |   **11.0** |    **0.500** |        2 |",
    ]
    latex = to_latex(comparison).splitlines()
    assert latex[:4] == [
        r"Method & FID $\downarrow$ & FSIM $\uparrow$ \\ \midrule",
        r"50\%\_a & 12.0 & 0.375 \\",
        r"b & -- & -- \\",
        r"c|d & \textbf{11.0} & \textbf{0.500} \\",
    ]
    assert all(line.startswith("% ") for line in latex[4:])
    content = comparison.to_json()
    assert content["evaluations"][1]["scores"]["fsim"]["by_picture"] == {"a": None}
    assert content["sizes"] == [{"width": 200, "height": 250, "num_pictures": 2}]


def test_each_table_says_how_it_was_measured() -> None:
    text = to_text(compared(FIRST))
    assert (
        "2 pictures of 200x250 (the true pictures' own size), 8 bits, sRGB\nFID: torch-fidelity 0."
        in text
    )
    assert "**" not in text
    assert "Difference" not in text
    sizes = {(200, 250): 1, (64, 32): 3}
    several = Comparison(evaluations=(FIRST,), sizes=sizes, resizes_truth=True)
    assert "4 pictures of 2 sizes, 64x32 to 200x250 (the results' own size)" in to_text(several)


def test_the_difference_is_to_the_first_method_and_has_an_interval() -> None:
    comparison = compared(FIRST, UNKNOWN, BETTER)
    lines = to_text(comparison).splitlines()
    title = lines.index(
        "Difference to 50%_a, with its 95 % interval (paired bootstrap over pictures, 10,000 "
        "resamples):"
    )
    assert lines[title + 2].split() == ["|", "method", "|", "FSIM", "|"]
    assert lines[title + 4].split() == ["|", "b", "|", "--", "|"]
    assert lines[title + 5] == r"| c\|d   | +0.125 (+0.00 .. +0.250) |"
    (difference,) = comparison.to_json()["differences"]["of"]
    assert difference == {"method": "c|d", "metric": "fsim", "mean": 0.125, "low": 0, "high": 0.25}


def test_remarks_name_what_a_reader_has_to_know() -> None:
    told = remarks(compared(FIRST, UNKNOWN))
    assert remarks(compared(FIRST, FIRST))[0].startswith("FID over 2 pictures means little")
    assert "50%_a: FID over 2 pictures means little: it needs at least 2,048" in told
    assert "b: FID not measured: no weights" in told
    assert "b: FSIM not measured: it could be computed for no picture" in told
    assert "b: 7 true pictures have no result: a, b, c, d, e and 2 more" in told


def test_pairs_that_fail_for_one_reason_are_named_together() -> None:
    failed = FIRST.with_failures(dict.fromkeys("abcdefg", "is 1x1") | {"h": "is no picture"})
    told = remarks(compared(failed))
    assert "a, b, c, d, e and 2 more not compared: is 1x1" in told
    assert "h not compared: is no picture" in told
    many = remarks(compared(FIRST.with_failures({letter: letter for letter in "abcdefg"})))
    assert "7 pairs not compared" in many
    assert "f not compared: f" not in many


@pytest.mark.parametrize(
    ("trained", "told"),
    [
        (
            TrainedCount(names=("x", "y"), are_scored=False),
            "2 pairs were used for training and are left",
        ),
        (
            TrainedCount(names=("x",), are_scored=True),
            "1 of these pairs was used for training",
        ),
        (
            TrainedCount(names=(), are_scored=False),
            "no pair was used for training, according to the record",
        ),
    ],
)
def test_trained_pairs_are_counted_by_name(trained: TrainedCount, told: str) -> None:
    (remark,) = [it for it in remarks(compared(FIRST, trained=trained)) if "train" in it.lower()]
    assert remark.startswith(told)
    assert remark.endswith(": " + ", ".join(trained.names)) or not trained.names


def test_the_interval_is_that_of_the_mean_of_paired_differences() -> None:
    """The pictures differ much and the methods little, so unpaired means would tell nothing."""
    rng = np.random.default_rng(1)
    difficulty = rng.normal(0.7, 0.2, 200)
    reference = {str(number): value for number, value in enumerate(difficulty)}
    gain = rng.normal(0.01, 0.02, 200)
    ours = {name: value + gain[int(name)] for name, value in reference.items()}
    found = paired_difference(ours, reference)
    assert found is not None
    assert found.mean == pytest.approx(gain.mean())
    reach = 1.96 * gain.std() / math.sqrt(200)
    assert found.low == pytest.approx(gain.mean() - reach, abs=0.1 * reach)
    assert found.high == pytest.approx(gain.mean() + reach, abs=0.1 * reach)
    assert found.low > 0
    assert paired_difference(ours, reference) == found  # the seed is fixed


def test_what_only_one_method_has_is_not_compared() -> None:
    ours = {"a": 1.0, "b": 2.0, "c": math.nan, "d": 9.0}
    found = paired_difference(ours, {"a": 0.0, "b": 1.0, "c": 5.0})
    assert found is not None
    assert (found.mean, found.low, found.high) == (1.0, 1.0, 1.0)
    assert paired_difference({"a": 1.0}, {"a": 0.0}) is None


def test_metrics_without_a_number_for_one_reason_share_a_line() -> None:
    builds = "torch and torchvision come from different builds"
    failed = Evaluation(
        method="a",
        scores={
            "fid": Score(value=None, reason=builds),
            "fsim": Score.of({"x": 0.5, "y": math.nan}, "too small"),
            "lpips-alex": Score(value=None, reason=builds),
            "lpips-vgg": Score.of({"x": 0.5, "y": math.nan}, "too small"),
        },
        num_pairs=1,
        failures={},
        only_predicted=("z",),
        only_true=("u", "v"),
        num_resized=1,
    )
    assert remarks(compared(failed)) == [
        f"FID, LPIPS (alex) not measured: {builds}",
        "FSIM, LPIPS (vgg) without a number for y: too small",
        "1 picture was resized to that size before the comparison",
        "1 result has no true picture: z",
        "2 true pictures have no result: u, v",
    ]
