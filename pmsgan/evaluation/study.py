"""The user study: a questionnaire as one page."""

import importlib.resources
import json
import random
from collections.abc import Mapping
from pathlib import Path

from pmsgan.counts import count
from pmsgan.data.picture_file import PictureFile
from pmsgan.errors import DataError
from pmsgan.evaluation.config import BEST_LEVEL, WORST_LEVEL
from pmsgan.evaluation.folders import picture_files
from pmsgan.html_page import escape, fill_template, jpeg_uri, small_size

MAX_SIDE = 512
"""Longest side of a picture on the page [pixels]."""
JPEG_QUALITY = 92


def make_study(
    methods: Mapping[str, Path], truth: Path, inputs: Path, num_questions: int = 5, seed: int = 0
) -> str:
    """Return a questionnaire as one HTML file that needs no network.

    Each question shows the input and the true picture, then the methods' pictures without their
    names, in a random order; people rate each from 1 (very unsatisfactory) to 5 (very
    satisfactory), as in the paper. The page saves the answers as a JSON file for `tally`.

    Args:
        methods: name and folder of each, at least one.
        truth: folder of true pictures.
        inputs: folder of the input pictures.
        num_questions: how many pictures to ask about, of those that all folders have.
        seed: chooses the pictures and orders the methods.

    Raises:
        DataError: a picture cannot be read, or too few are in all folders.
    """
    folders = [picture_files(folder) for folder in (truth, inputs, *methods.values())]
    common = sorted(set.intersection(*(set(folder) for folder in folders)))
    if len(common) < num_questions:
        raise DataError(
            f"only {count(len(common), 'picture is', 'pictures are')} in all folders, too few for "
            f"{count(num_questions, 'question')}: give fewer --questions, or folders with the same "
            "names"
        )
    rng = random.Random(seed)
    questions = []
    for name in sorted(rng.sample(common, num_questions)):
        order = list(methods)
        rng.shuffle(order)
        questions.append((name, order))
    rng.shuffle(questions)
    names = list(methods)
    rng.shuffle(names)
    by_method = dict(zip(methods, folders[2:], strict=True))
    sections = [
        _section(number, name, folders[0][name], folders[1][name],
                 [(names.index(method), by_method[method][name]) for method in order])
        for number, (name, order) in enumerate(questions, 1)
    ]  # fmt: skip
    plan = {"methods": names, "questions": num_questions, "seed": seed}
    script = (importlib.resources.files("pmsgan.evaluation") / "study_page.js").read_text("utf-8")
    return fill_template(
        "pmsgan.evaluation",
        "study_page.html",
        script,
        plan=escape(json.dumps(plan)),
        num_questions=str(num_questions),
        num_ratings=str(num_questions * len(methods)),
        worst=WORST_LEVEL,
        best=BEST_LEVEL,
        sections="\n".join(sections),
    )


def _section(
    number: int, name: str, truth: Path, source: Path, results: list[tuple[int, Path]]
) -> str:
    figures = "".join(
        _rated(f"q{number}-{place}", name, method, path, place)
        for place, (method, path) in enumerate(results, 1)
    )
    title = escape(f"Question {number}, {name}: how satisfactory is each picture?")
    return (
        f'<section><h2>{title}</h2><div class="pictures">'
        f"<figure>{_image(source, 'the input')}<figcaption>Input</figcaption></figure>"
        f"<figure>{_image(truth, 'the true picture')}<figcaption>True picture: {escape(name)}"
        f"</figcaption></figure>{figures}</div></section>"
    )


def _rated(key: str, name: str, method: int, path: Path, place: int) -> str:
    levels = "".join(
        f'<label><input type="radio" name="{key}" value="{level}">{level}</label>'
        for level in range(1, 6)
    )
    return (
        f'<figure><fieldset data-picture="{escape(name)}" data-method="{method}">'
        f"<legend>Picture {place}</legend>{_image(path, f'picture {place}')}"
        f'<div class="levels">{levels}</div>'
        f'<div class="ends"><span>{WORST_LEVEL}</span><span>{BEST_LEVEL}</span></div>'
        "</fieldset></figure>"
    )


def _image(path: Path, text: str) -> str:
    image = PictureFile(path).read()
    uri = jpeg_uri(image, small_size(image.shape[:2], MAX_SIDE), JPEG_QUALITY)
    return f'<img src="{uri}" alt="{text}">'
