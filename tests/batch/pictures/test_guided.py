import cv2
import numpy as np
import pytest

from pmsgan.batch.pictures.guided import enlarge_guided


def drawing(height: int, width: int) -> np.ndarray:
    """Return dark lines on paper, uint8 [height, width, 3] BGR."""
    scale = min(height, width)
    image = np.full((height, width, 3), 235, np.uint8)
    for share in (0.2, 0.35, 0.45):
        centre = (width // 2, height // 2)
        cv2.circle(image, centre, int(share * scale), (30, 30, 30), scale // 40, cv2.LINE_AA)
    return image


def paint(image: np.ndarray) -> np.ndarray:
    """Return a drawing with colours that change slowly, as a style may give them."""
    height, width = image.shape[:2]
    across = np.linspace(0.4, 1, width)[None, :, None]
    down = np.linspace(1, 0.5, height)[:, None, None]
    tint = np.concatenate([across + 0 * down, down + 0 * across, across * down], axis=2)
    return np.rint(image * tint).astype(np.uint8)


def written_out(
    translated: np.ndarray, seen: np.ndarray, guide: np.ndarray, radius: int, epsilon: float
) -> np.ndarray:
    """Return the formula of the paper in float64, pixel by pixel."""

    def box(image: np.ndarray) -> np.ndarray:
        padded = np.pad(image, radius, mode="edge")
        height, width = image.shape
        window = range(2 * radius + 1)
        parts = [padded[y : y + height, x : x + width] for y in window for x in window]
        return np.mean(parts, axis=0)

    def enlarge(image: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            at = (np.arange(guide.shape[axis]) + 0.5) * image.shape[axis] / guide.shape[axis] - 0.5
            first = np.floor(at).astype(int)
            weight = (at - first)[:, None] if axis == 0 else at - first
            last = image.shape[axis] - 1
            image = np.take(image, np.clip(first, 0, last), axis) * (1 - weight) + (
                np.take(image, np.clip(first + 1, 0, last), axis) * weight
            )
        return image

    grey = cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY) / 255
    variance = box(grey * grey) - box(grey) ** 2
    channels = []
    for channel in range(3):
        target = translated[:, :, channel] / 255
        slope = (box(grey * target) - box(grey) * box(target)) / (variance + epsilon)
        offset = box(target) - slope * box(grey)
        channels.append(enlarge(box(slope)) * guide / 255 + enlarge(box(offset)))
    return np.clip(np.rint(255 * np.stack(channels, axis=2)), 0, 255)


@pytest.mark.parametrize("size", [(128, 128), (100, 170), (333, 64)])
@pytest.mark.parametrize(("radius", "epsilon"), [(1, 1e-4), (3, 1e-2)])
def test_it_is_the_formula_of_the_paper(
    size: tuple[int, int], radius: int, epsilon: float, pictures: np.ndarray
) -> None:
    seen, translated = pictures[0][:32, :40], 255 - pictures[1][:32, :40]
    guide = cv2.resize(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), size[::-1])
    found = enlarge_guided(translated, seen, guide, radius=radius, epsilon=epsilon)
    assert found.dtype == np.uint8
    expected = written_out(translated, seen, guide, radius, epsilon)
    difference = np.abs(found - expected)
    assert difference.max() <= 1  # where a value lies between two levels
    assert (difference > 0).mean() < 1e-3


@pytest.mark.parametrize("size", [(256, 256), (301, 97), (64, 1000)])
def test_strips_give_the_bytes_of_the_whole(size: tuple[int, int], pictures: np.ndarray) -> None:
    seen, translated = pictures[0], 255 - pictures[1]
    guide = cv2.resize(cv2.cvtColor(pictures[0], cv2.COLOR_BGR2GRAY), size[::-1])
    whole, *others = (
        enlarge_guided(translated, seen, guide, radius=1, epsilon=1e-4, strip_pixels=strip_pixels)
        for strip_pixels in (10**9, 1, 5000, 1 << 14)
    )
    for other in others:
        assert (other == whole).all()


def test_grey_levels_are_enlarged_as_a_channel_is(pictures: np.ndarray) -> None:
    seen, translated = pictures[0], 255 - pictures[1]
    guide = cv2.resize(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), (301, 97))
    alone = enlarge_guided(translated[:, :, 1], seen, guide, radius=1, epsilon=1e-4)
    together = enlarge_guided(translated, seen, guide, radius=1, epsilon=1e-4)
    np.testing.assert_array_equal(alone, together[:, :, 1])


def test_lines_are_as_sharp_as_those_of_the_guide() -> None:
    full = drawing(512, 400)
    seen = cv2.resize(full, (100, 128), interpolation=cv2.INTER_AREA)
    guide = cv2.cvtColor(full, cv2.COLOR_BGR2GRAY)
    guided = enlarge_guided(paint(seen), seen, guide, radius=1, epsilon=1e-4)
    cubic = cv2.resize(paint(seen), (400, 512), interpolation=cv2.INTER_CUBIC)
    assert cv2.PSNR(guided, paint(full)) > 45
    assert cv2.PSNR(guided, paint(full)) > cv2.PSNR(cubic, paint(full)) + 15
