"""Counts the outcomes of a run's pictures."""

import random

from pmsgan.batch.job import Job
from pmsgan.batch.plan import Plan
from pmsgan.batch.progress import Progress
from pmsgan.batch.report.report import Remark
from pmsgan.batch.report.thumbnails import MAX_SHOWN


class Tally:
    """Counts of the outcomes, and a sample of pictures to show."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        """Begin with the folders that could not be listed; `progress` hears of each job, too."""
        self._progress = progress
        self.num_done = self.num_done_before = self.num_seen = 0
        self.failures = [Remark(name=folder.name, text=folder.reason) for folder in plan.unlisted]
        self.notes: list[Remark] = []
        self.sample: list[Job] = []
        """A uniform random sample of finished pictures."""
        self.num_pixels = 0
        """Size of all results of this run [pixels]."""
        self.parts: set[str] = set()
        """Parts that the results of this run have, where there is a palette."""
        self._random = random.Random(0)

    def count(self, job: Job) -> None:
        """Count a job that is done, was done before, or has failed."""
        self.num_seen += 1
        if job.failure is not None:
            self.failures.append(Remark(name=job.name, text=job.failure))
        else:
            self.num_done_before += job.was_done_before
            self.num_done += not job.was_done_before
            self.num_pixels += job.num_pixels
            self.parts.update(job.parts)
            if job.note is not None:
                self.notes.append(Remark(name=job.name, text=job.note))
            self._maybe_sample(job)
        self._progress.done(job)

    def _maybe_sample(self, job: Job) -> None:
        place = self._random.randrange(self.num_done + self.num_done_before)
        if len(self.sample) < MAX_SHOWN:
            self.sample.append(job)
        elif place < MAX_SHOWN:
            self.sample[place] = job
