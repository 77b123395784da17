"""Count the answers of a user study."""

import json
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scipy import stats

from pmsgan.counts import count
from pmsgan.errors import DataError
from pmsgan.evaluation.config import BEST_LEVEL, WORST_LEVEL
from pmsgan.regular_file import MAX_TEXT_BYTES, read_regular
from pmsgan.terminal import printable

LEVELS = (1, 2, 3, 4, 5)
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinion:
    """Opinion of people about one method."""

    method: str
    num_votes: int
    percent: Mapping[int, float]
    """Share of the votes at each level."""
    mean: float
    """Mean opinion score, 1..5."""
    low: float | None
    """Lower end of its 95 % interval; None where only one person answered."""
    high: float | None
    """Upper end of its 95 % interval; None where only one person answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyResult:
    """Opinions of people about all methods, the best first."""

    num_people: int
    opinions: tuple[Opinion, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result as values that JSON can hold."""
        return {"kind": "tally", **asdict(self)}

    def to_text(self) -> str:
        """Return a table: per cent of the votes at each level, and the mean opinion score."""
        width = max([6, *(len(opinion.method) for opinion in self.opinions)]) + 2
        lines = [
            f"{count(self.num_people, 'person', 'people')}; {WORST_LEVEL} .. {BEST_LEVEL}",
            f"{'method':<{width}}" + "".join(f"{level:>8}" for level in LEVELS) + "   mean (95 %)",
        ]
        for opinion in self.opinions:
            levels = "".join(f"{opinion.percent[level]:>7.1f}%" for level in LEVELS)
            has_interval = opinion.low is not None
            interval = f" ({opinion.low:.2f} .. {opinion.high:.2f})" if has_interval else ""
            lines.append(f"{opinion.method:<{width}}{levels}   {opinion.mean:.2f}{interval}")
        return "\n".join(map(printable, lines))


def tally_answers(files: Sequence[Path]) -> StudyResult:
    """Count the answers of a study.

    The interval is Student's over the mean of each person, since the votes of one person depend on
    each other. It says what other people would think of the same pictures.

    Args:
        files: files that the page of `make_study` saved, one for each person.

    Raises:
        DataError: a file is not of this kind, is about other methods, or comes from a person who is
            already counted.
    """
    people: dict[str, dict[str, Any]] = {}
    for file in files:
        answers = _read(file)
        if answers["person"] in people:
            raise DataError(f"{file} was saved by a person who is already counted: leave it out")
        people[answers["person"]] = answers
    first = people[next(iter(people))]
    if any(sorted(answers["methods"]) != sorted(first["methods"]) for answers in people.values()):
        raise DataError("these answers rate different methods: give the answers of a single study")
    opinions = [
        _opinion(
            method,
            [
                [answer["level"] for answer in person["answers"] if answer["method"] == method]
                for person in people.values()
            ],
        )
        for method in first["methods"]
    ]
    opinions.sort(key=lambda opinion: -opinion.mean)
    return StudyResult(num_people=len(people), opinions=tuple(opinions))


def _opinion(method: str, votes: list[list[int]]) -> Opinion:
    """Sum up the votes for one method, given as a list for each person."""
    flat = [vote for person in votes for vote in person]
    counts = Counter(flat)
    low = high = None
    if len(votes) > 1:
        means = [statistics.fmean(person) for person in votes]
        error = statistics.stdev(means) / math.sqrt(len(means))
        reach = error * float(stats.t.ppf(0.5 + CONFIDENCE / 2, df=len(means) - 1))
        low = max(LEVELS[0], statistics.fmean(means) - reach)
        high = min(LEVELS[-1], statistics.fmean(means) + reach)
    return Opinion(
        method=method,
        num_votes=len(flat),
        percent={level: 100.0 * counts[level] / len(flat) for level in LEVELS},
        mean=statistics.fmean(flat),
        low=low,
        high=high,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_regular(path, MAX_TEXT_BYTES))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: give files that the questionnaire saved") from error
    try:
        methods, answers = content["methods"], content["answers"]
        asked = Counter(answer["method"] for answer in answers)
        is_whole = (
            content["kind"] == "answers"
            and isinstance(content["person"], str)
            and asked == {method: content["questions"] for method in methods}
            and len({(answer["method"], answer["picture"]) for answer in answers}) == len(answers)
            and all(
                type(answer["level"]) is int and answer["level"] in LEVELS for answer in answers
            )
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} holds no answers of a study") from error
    if not is_whole:
        raise DataError(f"{path} is invalid: answers are missing, or are not 1 to 5")
    return dict(content)
