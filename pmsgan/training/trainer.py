"""One training step: three discriminators against one generator."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pmsgan.errors import CheckpointError
from pmsgan.model.config import NetworkConfig, network_table, read_network
from pmsgan.model.discriminator import ScaleDiscriminators
from pmsgan.model.generator import AllOutputs, Generator
from pmsgan.model.initial_weights import set_initial_weights
from pmsgan.model.network import Network, make_network
from pmsgan.training.config import TrainingConfig
from pmsgan.training.differences import as_typed, name_differences
from pmsgan.training.losses import (
    adversarial_loss,
    cross_entropy_adversarial_loss,
    cross_entropy_discriminator_loss,
    discriminator_loss,
    l1_gradient_loss,
    target_pyramid,
)

PerceptualLoss = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]
"""L_p of (y_out, RGB_2, RGB_3) against (y, y_2, y_3)."""

_ADVERSARIAL_LOSSES = {
    "pmsgan": (discriminator_loss, adversarial_loss),
    "pix2pix": (cross_entropy_discriminator_loss, cross_entropy_adversarial_loss),
}
"""Losses of the discriminators and of the generator that they judge."""


class Trainer:
    """Networks and optimisers of one run, and the step that updates them."""

    def __init__(
        self,
        config: TrainingConfig,
        generator_config: NetworkConfig,
        fabric: Fabric,
        perceptual_loss: PerceptualLoss = l1_gradient_loss,
        teacher: Network | None = None,
    ) -> None:
        """Make fresh networks from the config's seed, the same in each process of `fabric`.

        Where there is a `teacher`, the generator also learns to repeat its pictures.
        """
        torch.manual_seed(config.seed)
        self.config = config
        self.fabric = fabric
        self.num_steps_done = 0
        self.perceptual_loss = perceptual_loss
        self.generator = make_network(generator_config)
        set_initial_weights(self.generator, config.initial_weights)
        self.initial_style: str | None = None
        self._is_conditional = config.adversarial == "pix2pix"
        self.discriminators = ScaleDiscriminators(
            generator_config.num_stages, in_channels=6 if self._is_conditional else 3
        )
        self._discriminator_loss, self._adversarial_loss = _ADVERSARIAL_LOSSES[config.adversarial]
        self._generate, self.generator_optimizer = self._set_up(
            self._with_rgb1() if config.lambda_rgb1 else self.generator
        )
        self._judge, self.discriminator_optimizer = self._set_up(self.discriminators)
        self._teacher = teacher and teacher.eval().requires_grad_(False).to(fabric.device)
        self.average = (
            AveragedModel(self.generator, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))
            if config.ema_decay
            else None
        )

    def step(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Update the discriminators, then the generator.

        Args:
            source: float [N, 3, H, W], RGB in [-1, 1].
            target: float [N, 3, H, W], RGB in [-1, 1].

        Returns:
            The losses of this process, one number each: `discriminator`, `perceptual`,
            `adversarial`; without an adversarial weight the second alone. `rgb1` where that has a
            weight, and `teacher` where there is one.
        """
        self._set_learning_rate()
        self._seed_dropout()
        fakes = list(self._generate(source))
        rgb1 = [fakes.pop(1)] if self.config.lambda_rgb1 else []
        reals = target_pyramid(target, len(fakes))
        inputs = target_pyramid(source, len(fakes)) if self._is_conditional else []
        losses: dict[str, Tensor] = {}
        if self.config.lambda_adversarial:
            losses |= self._step_discriminators(inputs, fakes, reals)
        teacher_targets = self._teacher_targets(source, len(fakes))
        losses |= self._step_generator(inputs, fakes, reals, rgb1, teacher_targets)
        if self.average is not None:
            self.average.update_parameters(self.generator)
        self.num_steps_done += 1
        return losses

    def _set_learning_rate(self) -> None:
        learning_rate = self.config.learning_rate_at(self.num_steps_done)
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate

    def _seed_dropout(self) -> None:
        """Seed dropout so that a resumed run repeats it; each process draws something else."""
        samples_seen = self.num_steps_done * self.fabric.world_size + self.fabric.global_rank
        torch.manual_seed(self.config.seed + samples_seen)

    @torch.no_grad()
    def _teacher_targets(self, source: Tensor, num_scales: int) -> list[Tensor]:
        """Return the teacher's picture at each scale; an empty list without a teacher."""
        if self._teacher is None:
            return []
        with self.fabric.autocast():
            picture = self._teacher(source)[0]
        return target_pyramid(picture.float().clamp(-1.0, 1.0), num_scales)

    def _with_rgb1(self) -> nn.Module:
        assert isinstance(self.generator, Generator)
        return AllOutputs(self.generator)

    def _discriminator_inputs(
        self, inputs: Sequence[Tensor], images: Sequence[Tensor]
    ) -> list[Tensor]:
        """Return the discriminators' input: pictures, or inputs and pictures [N, 6, H, W]."""
        if not self._is_conditional:
            return list(images)
        return [torch.cat(pair, dim=1) for pair in zip(inputs, images, strict=True)]

    def _step_discriminators(
        self, inputs: Sequence[Tensor], fakes: Sequence[Tensor], reals: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        self.discriminators.requires_grad_(True)
        both = [
            torch.cat([real, fake.detach()])
            for real, fake in zip(
                self._discriminator_inputs(inputs, reals),
                self._discriminator_inputs(inputs, fakes),
                strict=True,
            )
        ]  # [2 N, 3 or 6, H, W] each
        halves = [scores.chunk(2) for scores in self._judge(both)]
        loss = self._discriminator_loss([real for real, _ in halves], [fake for _, fake in halves])
        self._update(self._judge, self.discriminator_optimizer, loss)
        return {"discriminator": loss.detach()}

    def _step_generator(
        self,
        inputs: Sequence[Tensor],
        fakes: Sequence[Tensor],
        reals: Sequence[Tensor],
        rgb1: Sequence[Tensor],
        teacher_targets: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        with self.fabric.autocast():
            losses = {"perceptual": self.perceptual_loss(fakes, reals)}
            if rgb1:
                losses["rgb1"] = self.perceptual_loss(rgb1, reals[:1])
            if teacher_targets:
                losses["teacher"] = l1_gradient_loss(fakes, teacher_targets)
        loss = self.config.lambda_perceptual * losses["perceptual"]
        if rgb1:
            loss = loss + self.config.lambda_rgb1 * losses["rgb1"]
        if teacher_targets:
            loss = loss + self.config.lambda_teacher * losses["teacher"]
        if self.config.lambda_adversarial:
            self.discriminators.requires_grad_(False)
            with self.fabric.no_backward_sync(self._judge):
                scores = self._judge(self._discriminator_inputs(inputs, fakes))
                losses["adversarial"] = self._adversarial_loss(scores)
            # Eq. 3
            loss = loss + self.config.lambda_adversarial * losses["adversarial"]
        self._update(self._generate, self.generator_optimizer, loss)
        return {name: value.detach() for name, value in losses.items()}

    def _update(self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.fabric.backward(loss)
        if self.config.gradient_clip:
            self.fabric.clip_gradients(
                network, optimizer, max_norm=self.config.gradient_clip, error_if_nonfinite=False
            )
        optimizer.step()

    def _set_up(self, network: nn.Module) -> Any:
        """Return module and optimiser that run and update `network` on the run's devices."""
        if self.config.channels_last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.Adam(
            network.parameters(),
            lr=self.config.learning_rate,
            betas=self.config.betas,
            # One pass over the weights; Fabric cannot clip where it takes the scaling over.
            fused=self.config.precision != "fp16",
        )
        if self.config.compile:
            network.compile()
        return self.fabric.setup(network, optimizer)

    def trained_generator(self) -> Network:
        """Return the generator that becomes the style: the moving average where there is one."""
        if self.average is None:
            return self.generator
        module = self.average.module
        assert isinstance(module, Network)
        return module

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a resumed run needs, as tensors, numbers and strings."""
        return {
            "num_steps_done": self.num_steps_done,
            "generator_config": plain(network_table(self.generator.config)),
            "training_config": plain(asdict(self.config)),
            "initial_style": self.initial_style,
            "generator": self.generator.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned; learning rate and betas are this run's own.

        A setting of the generator that is missing in the state has its default.

        Raises:
            CheckpointError: it is not from pmsgan, belongs to another network, has no moving
                average, or was trained in another direction or from another style than this run
                asks for.
        """
        began_from = state.get("initial_style", self.initial_style)
        missing = self.state_dict().keys() - state.keys() - {"initial_style"}
        if missing:
            raise CheckpointError(f"this is not a checkpoint of pmsgan: it lacks {min(missing)!r}")
        same = f"--from {began_from}" if began_from else "no --from"
        if self.initial_style not in (None, began_from):
            raise CheckpointError(
                f"the checkpoint began from {began_from or 'random weights'}, not from "
                f"{self.initial_style}: resume it with {same}, or give a new --out"
            )
        direction = state["training_config"].get("direction", self.config.direction)
        if direction != self.config.direction:
            raise CheckpointError(
                f"the checkpoint was trained with --direction {direction}, not "
                f"{self.config.direction}: use its direction, or give a new --out"
            )
        theirs, ours = read_network(state["generator_config"]), self.generator.config
        if theirs != ours:
            differing = name_differences(network_table(theirs), network_table(ours))
            raise CheckpointError(
                f"the checkpoint holds another network: {differing}; use its settings"
                f"{f' ({same})' if began_from else ''}, or give a new --out"
            )
        if (state["average"] is None) != (self.average is None):
            kept = as_typed("ema_decay", state["training_config"].get("ema_decay", 0.0))
            raise CheckpointError(
                f"the checkpoint was trained with {kept}, not {self.config.ema_decay}: use its "
                "setting, or give a new --out"
            )
        self.initial_style = began_from
        self.num_steps_done = state["num_steps_done"]
        try:
            self.generator.load_state_dict(state["generator"])
            self.discriminators.load_state_dict(state["discriminators"])
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise CheckpointError(f"the checkpoint holds another network: {reason}") from error
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.generator_optimizer.load_state_dict(state["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        if state["precision"]:  # empty where no loss was scaled
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["betas"] = self.config.betas


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as JSON has them: lists instead of tuples."""
    content: dict[str, Any] = json.loads(json.dumps(settings))
    return content
