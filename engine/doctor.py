"""Find out what is installed, which backends can run here, and why the others cannot."""

import importlib.util
from dataclasses import asdict, dataclass
from typing import Any

import pmsgan
from pmsgan.engine.gpu import driver_cuda, gpu_capability
from pmsgan.engine.machine import Machine, examine_machine
from pmsgan.engine.open import REQUIREMENTS, Choice, choose_backend, missing_requirement
from pmsgan.engine.tensorrt.product import PRODUCTS, Product
from pmsgan.engine.tensorrt.support import installed_wheel
from pmsgan.errors import EngineError
from pmsgan.terminal import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledProduct:
    """The installed version of TensorRT or TensorRT for RTX."""

    version: str | None
    """None if it was not installed from its wheels."""
    wheel_cuda: int | None
    """Major version of CUDA that its wheel was built for; None if it has no wheel."""

    def __str__(self) -> str:
        """Return a few words for people."""
        if self.version is None:
            return "installed, but not from its wheels"
        return f"{self.version}, wheel for CUDA {self.wheel_cuda} (cu{self.wheel_cuda})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """The relevant parts of a machine, and what each backend lacks on it."""

    machine: Machine
    gpu_capability: str | None
    """Compute capability of the first GPU, such as 8.9; None without a GPU."""
    driver_cuda: str | None
    """Newest CUDA that the driver supports, such as 13.0; None without a driver."""
    products: dict[str, InstalledProduct | None]
    """NVIDIA's products, by the name of their backend; None if one is not installed."""
    missing: dict[str, str | None]
    """The reason why each backend cannot run, None if it can; in the order in which `auto` tries
    them."""
    choice: Choice | None
    """The backend that `auto` takes, and why; None if none can run."""

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return {
            "kind": "diagnosis",
            "pmsgan": pmsgan.__version__,
            "machine": self.machine.to_json(),
            "gpu_capability": self.gpu_capability,
            "driver_cuda": self.driver_cuda,
            "products": {
                name: product and asdict(product) for name, product in self.products.items()
            },
            "backends": [
                {"name": name, "can_run": missing is None, "missing": missing}
                for name, missing in self.missing.items()
            ],
            "auto": self.choice and asdict(self.choice),
        }

    def to_text(self) -> str:
        """Return several lines for people."""
        machine = self.machine
        packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
        lines = [
            f"pmsgan {pmsgan.__version__}, Python {machine.python}, {machine.system}",
            f"{machine}; {', '.join(machine.cpu_flags) or 'no known flags'}",
            f"NVIDIA GPUs: {'; '.join(machine.gpus) or 'none'}",
        ]
        if self.gpu_capability is not None:
            lines.append(f"the first GPU has compute capability {self.gpu_capability}")
        if self.driver_cuda is not None:
            lines.append(f"the NVIDIA driver supports CUDA up to {self.driver_cuda}")
        for product in PRODUCTS.values():
            lines.append(f"{product.title}: {self.products[product.name] or 'not installed'}")
        lines += [
            f"installed: {packages}",
            "backends, in the order that --backend auto tries them:",
        ]
        for name, missing in self.missing.items():
            lines.append(
                f"  {name:<13} {'can run' if missing is None else f'cannot run: {missing}'}"
            )
        if self.choice is not None:
            lines.append(f"--backend auto takes {self.choice.backend} ({self.choice.reason})")
        return "\n".join(map(printable, lines))


def diagnose() -> Diagnosis:
    """Examine this machine."""
    try:
        choice = choose_backend()
    except EngineError:  # `missing` has the reasons
        choice = None
    return Diagnosis(
        machine=examine_machine(),
        gpu_capability=_dotted(gpu_capability()),
        driver_cuda=_dotted(driver_cuda()),
        products={name: _installed(product) for name, product in PRODUCTS.items()},
        missing={name: missing_requirement(name) for name in REQUIREMENTS},
        choice=choice,
    )


def _installed(product: Product) -> InstalledProduct | None:
    if importlib.util.find_spec(product.module) is None:
        return None
    wheel_cuda, version = installed_wheel(product) or (None, None)
    return InstalledProduct(version=version, wheel_cuda=wheel_cuda)


def _dotted(version: tuple[int, int] | None) -> str | None:
    return version and f"{version[0]}.{version[1]}"
