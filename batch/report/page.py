"""The report as one page."""

from collections.abc import Iterable, Sequence

from pmsgan.batch.comparison.baseline import Baseline, Timings
from pmsgan.batch.report.report import BASELINES, Remark, Report
from pmsgan.batch.report.thumbnails import NUM_LARGE, Thumbnail
from pmsgan.batch.timing import MAX_SPANS, Throughput
from pmsgan.counts import count
from pmsgan.html_page import escape, fill_template
from pmsgan.spread import digits

MAX_REMARKS = 1000
"""Most failures, and most notes, that the page shows; report.json lists all of them."""
_LOOKS = ((40.0, "looks the same"), (30.0, "looks nearly the same"), (0.0, "looks different"))
"""Least PSNR to the baseline [dB], and how similar the pictures then look."""

# This script moves the border between before and after.
_SCRIPT = """
for (const slider of document.querySelectorAll(".frame input")) {
  const move = () => slider.parentElement.style.setProperty("--split", slider.value + "%");
  slider.addEventListener("input", move);
  move();
}
"""


def make_page(report: Report) -> str:
    """Return a whole HTML file."""
    engine = report.equipment.engine
    return fill_template(
        "pmsgan.batch.report",
        "report_page.html",
        _SCRIPT,
        title=escape(f"{report.counts()}, style {report.style}"),
        subtitle=escape(
            f"{engine.backend} {engine.arithmetic} ({engine.runtime}), "
            f"{engine.width}x{engine.height}, batch {engine.max_batch}"
        ),
        stopped=_stopped(report),
        body="\n".join(
            [
                _summary(report),
                _sheet(report.thumbnails[:NUM_LARGE], "large"),
                _link_to_more(len(report.thumbnails) - NUM_LARGE),
                _remarks("Failures", report.failures),
                "<h2>The run</h2>",
                _facts(report),
                _nodes(report),
                *_measurements(report),
                _baselines(report),
                _more_pictures(report.thumbnails[NUM_LARGE:]),
                _remarks("Notes", report.notes),
            ]
        ),
    )


def _stopped(report: Report) -> str:
    if report.stopped is None:
        return ""
    rest = "The same command, without --overwrite, resumes"
    if report.has_ended:
        rest = "No picture was left to convert"
    return f'<p class="stopped">Stopped: {escape(report.stopped)}. {rest}.</p>'


def _summary(report: Report) -> str:
    """Return the figures of the run in words, for readers who read nothing else."""
    pictures = count(report.num_done, "picture")
    figures = [(pictures, f"in {_duration(report.timing.wall_s)}")]
    if not report.num_done and report.num_done_before:
        figures = [(count(report.num_done_before, "picture"), "done before")]
    if report.baselines:
        base = report.baselines[0]
        times = digits(base.files_to_files.speedup.median)
        baseline = BASELINES[base.compared.backend]
        precision = base.compared.precision.upper()
        figures.append((f"{times} times as fast", f"as {baseline} in {precision}"))
        if (accuracy := base.engine_accuracy) is not None:
            looks = next(text for limit, text in _LOOKS if accuracy.psnr_db >= limit)
            figures.append((looks, f"{accuracy.decibels} PSNR to {baseline}"))
    cells = [f"<p><b>{escape(one)}</b> {escape(other)}</p>" for one, other in figures]
    return f'<div class="summary">{"".join(cells)}</div>'


def _duration(seconds: float) -> str:
    """Return a time for people: 41 s, 12 minutes, 3.5 hours."""
    if seconds < 120:
        return f"{digits(seconds)} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def _facts(report: Report) -> str:
    timing, baselines = report.timing, report.baselines
    facts = [("time", f"{timing.wall_s:.1f} s")]
    if report.num_done:
        facts.insert(0, ("files to files", f"{digits(report.pictures_per_s)} pictures/s"))
    facts += [
        (f"speed-up over {base.title}", f"{digits(base.files_to_files.speedup.median)} times")
        for base in baselines
    ]
    if baselines and (accuracy := baselines[0].engine_accuracy) is not None:
        facts.append((f"PSNR to {baselines[0].title}", accuracy.decibels))
    if report.settings.palette is not None:
        facts.append(("palette", str(report.settings.palette)))
    if report.equipment.peak_memory_bytes is not None:
        facts.append(("peak memory", f"{report.equipment.peak_memory_bytes / 2**20:.0f} MiB"))
    cells = [f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts]
    cells.append(
        f'<div class="wide"><dt>machine</dt><dd>{escape(str(report.equipment.machine))}</dd></div>'
    )
    return f'<dl class="facts">{"".join(cells)}</dl>'


def _measurements(report: Report) -> list[str]:
    """Return what was measured while pictures were converted; nothing if none was."""
    return [_stages(report), _throughput(report.timing.throughput)] if report.num_done else []


def _stages(report: Report) -> str:
    bars, rows = [], []
    for busy in report.busy:
        segments, total = [], 0.0
        for number, stage in enumerate(busy.stages, 1):
            durations = report.timing.stages.stages[stage]
            share = report.share(durations.total_s, busy.count)
            total += share
            segments.append(
                f'<span class="c{number}" style="width:{100 * share:.2f}%" title="{stage}"></span>'
            )
            figures = [f"{durations.total_s:.2f}", f"{share:.0%}", f"{durations.count}"]
            figures += [
                digits(1e3 * durations.quantile(part)) if durations.count else "-"
                for part in (0.5, 0.95, 0.99)
            ]
            swatch = f'<span class="swatch c{number}"></span>{stage}'
            rows.append([swatch, f"{busy.title}", *figures])
        bars.append(
            f"<span>{busy.count} {busy.title}</span>"
            f'<div class="bar" role="img" aria-label="{busy.title}: {total:.0%} busy">'
            f"{''.join(segments)}</div><span>{total:.0%}</span>"
        )
    names = ["stage", "by", "busy [s]", "share", "times", "median [ms]", "p95 [ms]", "p99 [ms]"]
    reading = (
        "The bars show how busy each kind of thread was; the fullest bar is the bottleneck."
        if report.num_done > 1
        else "One picture goes through the stages one after the other."
    )
    return (
        "<h2>Where the time went</h2>"
        f'<p class="soft">{reading} '
        f"Opening the engine took {report.equipment.open_s:.2f} s before the run; the engine's bar "
        f"excludes its first batch, which took {report.timing.warm_up_s:.2f} s.</p>"
        f'<div class="bars">{"".join(bars)}</div>{_table(names, rows, num_texts=2)}'
    )


def _nodes(report: Report) -> str:
    if not report.equipment.nodes:
        return ""
    rows = [
        [
            escape(node.name),
            escape(node.engine) or "-",
            "lost" if node.is_lost else "finished",
            *map(str, (node.num_workers, node.num_done, node.num_failed)),
            f"{node.busy_s:.1f}",
        ]
        for node in report.equipment.nodes
    ]
    names = ["machine", "engine", "was", "workers", "done", "failed", "busy [s]"]
    return f"<h2>Machines</h2>{_table(names, rows, num_texts=3)}"


def _throughput(throughput: Throughput) -> str:
    if not throughput.counts:
        return ""
    rates = [count / throughput.span_s for count in throughput.counts]
    top, width = max(rates), 100.0 / len(rates)
    bars = "".join(
        f'<rect x="{number * width:.3f}" y="{100 - 96 * rate / top:.2f}" '
        f'width="{0.9 * width:.3f}" height="{96 * rate / top:.2f}"></rect>'
        for number, rate in enumerate(rates)
    )
    assert len(rates) <= MAX_SPANS
    return (
        "<h2>Pictures over time</h2>"
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="up to {top:.1f} pictures a second">{bars}</svg>'
        f'<div class="axis"><span>0 s</span><span>highest: {digits(top)} pictures/s</span>'
        f"<span>{digits(len(rates) * throughput.span_s)} s</span></div>"
    )


def _baselines(report: Report) -> str:
    if not report.baselines and report.missing_baseline is None:
        return ""
    rows = [
        row
        for base in report.baselines
        for row in (
            _timings(base, "in memory", base.in_memory),
            _timings(base, "files to files", base.files_to_files),
        )
    ]
    names = [
        "compared with", "", "this engine [pictures/s]", "the other [pictures/s]", "times as fast",
    ]  # fmt: skip
    engine = report.equipment.engine
    baseline = BASELINES[report.baselines[0].compared.backend] if report.baselines else "a baseline"
    text = (
        '<p class="soft">Both engines ran the same pictures in turn, several times, each picture '
        f"in one view of {engine.width}x{engine.height} instead of in tiles. The figures are the "
        "median, lowest "
        "and highest run. &ldquo;In memory&rdquo; includes copies to and from a GPU; &ldquo;files "
        "to files&rdquo; is the whole conversion of this folder.</p>"
    )
    if report.missing_baseline is not None:
        text += f"<p>Not measured: {escape(report.missing_baseline)}.</p>"
    accuracies = (
        [
            f"{name} to {escape(report.baselines[0].title)}: {escape(str(accuracy))}."
            for name, accuracy in [
                ("This engine", report.baselines[0].engine_accuracy),
                *((escape(base.title), base.compared_accuracy) for base in report.baselines[1:]),
            ]
            if accuracy is not None
        ]
        if report.baselines
        else []
    )
    return (
        f"<h2>Compared with {baseline}</h2>{text}"
        + (_table(names, rows, num_texts=2) if rows else "")
        + "".join(f"<p>{accuracy}</p>" for accuracy in accuracies)
    )


def _timings(base: Baseline, kind: str, timings: Timings) -> list[str]:
    spreads = timings.engine_pictures_per_s, timings.compared_pictures_per_s, timings.speedup
    return [escape(base.title), kind, *(str(spread) for spread in spreads)]


def _link_to_more(num_pictures: int) -> str:
    text = count(num_pictures, "more picture")
    return f'<p><a href="#more">{text}</a></p>' if num_pictures > 0 else ""


def _more_pictures(thumbnails: Sequence[Thumbnail]) -> str:
    if not thumbnails:
        return ""
    return f'<h2 id="more">More pictures</h2>{_sheet(thumbnails, "small")}'


def _sheet(thumbnails: Sequence[Thumbnail], kind: str) -> str:
    """Return pictures with a movable divider between source and result."""
    if not thumbnails:
        return ""
    figures = "".join(
        f'<figure><div class="frame" style="aspect-ratio:{thumbnail.width}/{thumbnail.height}">'
        f'<img src="{thumbnail.after}" alt=""><img class="before" src="{thumbnail.before}" alt="">'
        f'<input type="range" aria-label="before and after: {escape(thumbnail.name)}"></div>'
        f"<figcaption><bdi>{escape(thumbnail.name)}</bdi></figcaption></figure>"
        for thumbnail in thumbnails
    )
    return f'<div class="sheet {kind}">{figures}</div>'


def _remarks(title: str, remarks: Sequence[Remark]) -> str:
    if not remarks:
        return ""
    rows = [
        f'<tr><td class="name"><bdi>{escape(remark.name)}</bdi></td>'
        f"<td>{escape(remark.text)}</td></tr>"
        for remark in remarks[:MAX_REMARKS]
    ]
    more = len(remarks) - len(rows)
    return f"<h2>{title} ({len(remarks)})</h2><table>{''.join(rows)}</table>" + (
        f"<p>report.json lists {more} more.</p>" if more else ""
    )


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], *, num_texts: int) -> str:
    """Return a table of HTML cells; the columns after the first `num_texts` hold figures."""

    def cells(kind: str, texts: Sequence[str]) -> str:
        return "".join(
            f'<{kind} data-name="{name}"{" class=number" if place >= num_texts else ""}>'
            f"{text}</{kind}>"
            for place, (name, text) in enumerate(zip(names, texts, strict=True))
        )

    head = f"<thead><tr>{cells('th', names)}</tr></thead>"
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'
