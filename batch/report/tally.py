"""What became of the pictures of a folder run."""

import random
from collections.abc import Callable

from pmsgan.batch.plan import Job, Plan
from pmsgan.batch.report.report import Remark
from pmsgan.batch.report.thumbnails import MAX_SHOWN


class Tally:
    """What became of the pictures."""

    def __init__(self, plan: Plan, on_done: Callable[[Job], None] | None) -> None:
        """Begin with what is known before; `on_done` hears of each job, too."""
        self._on_done = on_done
        self.num_done = self.num_kept = self.num_seen = 0
        self.failures = [Remark(name=folder.name, text=folder.reason) for folder in plan.unlisted]
        self.notes: list[Remark] = []
        self.sample: list[Job] = []
        """Any of those that are done, each as likely as another."""
        self._random = random.Random(0)

    def count(self, job: Job) -> None:
        """Count a job that is done, kept or has failed."""
        self.num_seen += 1
        if job.failure is not None:
            self.failures.append(Remark(name=job.name, text=job.failure))
        else:
            self.num_kept += job.is_kept
            self.num_done += not job.is_kept
            if job.note is not None:
                self.notes.append(Remark(name=job.name, text=job.note))
            self._maybe_sample(job)
        if self._on_done is not None:
            self._on_done(job)

    def _maybe_sample(self, job: Job) -> None:
        place = self._random.randrange(self.num_done + self.num_kept)
        if len(self.sample) < MAX_SHOWN:
            self.sample.append(job)
        elif place < MAX_SHOWN:
            self.sample[place] = job
