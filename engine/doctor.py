"""Find out what is installed, which backends can run here, and why the others cannot."""

from dataclasses import dataclass
from typing import Any

import pmsgan
from pmsgan.engine.machine import Machine, examine_machine
from pmsgan.engine.open import NEEDS, what_is_missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """A machine as far as it matters here, and what each backend lacks on it."""

    machine: Machine
    missing: dict[str, str | None]
    """The reason why each backend cannot run, None if it can; in the order in which `auto` tries
    them."""

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return {
            "kind": "diagnosis",
            "pmsgan": pmsgan.__version__,
            "machine": self.machine.to_json(),
            "backends": [
                {"name": name, "can_run": missing is None, "missing": missing}
                for name, missing in self.missing.items()
            ],
        }

    def to_text(self) -> str:
        """Return several lines for people."""
        machine = self.machine
        packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
        lines = [
            f"pmsgan {pmsgan.__version__}, Python {machine.python}, {machine.system}",
            f"{machine}; {', '.join(machine.cpu_flags) or 'no known flags'}",
            f"NVIDIA GPUs: {'; '.join(machine.gpus) or 'none'}",
            f"installed: {packages}",
            "backends, in the order in which --backend auto tries them:",
        ]
        for name, missing in self.missing.items():
            lines.append(
                f"  {name:<13} {'can run' if missing is None else f'cannot run: {missing}'}"
            )
        return "\n".join(lines)


def diagnose() -> Diagnosis:
    """Examine this machine."""
    return Diagnosis(
        machine=examine_machine(), missing={name: what_is_missing(name) for name in NEEDS}
    )
