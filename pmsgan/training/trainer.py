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
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.discriminator import ScaleDiscriminators
from pmsgan.model.generator import AllOutputs, Generator
from pmsgan.model.initial_weights import set_initial_weights
from pmsgan.training.config import TrainingConfig
from pmsgan.training.losses import (
    adversarial_loss,
    discriminator_loss,
    l1_gradient_loss,
    target_pyramid,
)

PerceptualLoss = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]
"""L_p of (y_out, RGB_2, RGB_3) against (y, y_2, y_3)."""


class Trainer:
    """Networks and optimisers of one run, and the step that updates them."""

    def __init__(
        self,
        config: TrainingConfig,
        generator_config: GeneratorConfig,
        fabric: Fabric,
        perceptual_loss: PerceptualLoss = l1_gradient_loss,
    ) -> None:
        """Make fresh networks from the config's seed, the same in each process of `fabric`."""
        torch.manual_seed(config.seed)
        self.config = config
        self.fabric = fabric
        self.num_steps_done = 0
        self.perceptual_loss = perceptual_loss
        self.generator = Generator(generator_config)
        set_initial_weights(self.generator, config.initial_weights)
        self.discriminators = ScaleDiscriminators(generator_config.num_stages)
        self._generate, self.generator_optimizer = self._set_up(
            AllOutputs(self.generator) if config.lambda_rgb1 else self.generator
        )
        self._judge, self.discriminator_optimizer = self._set_up(self.discriminators)
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
            weight.
        """
        self._set_learning_rate()
        fakes = list(self._generate(source))
        rgb1 = [fakes.pop(1)] if self.config.lambda_rgb1 else []
        reals = target_pyramid(target, len(fakes))
        losses: dict[str, Tensor] = {}
        if self.config.lambda_adversarial:
            losses |= self._step_discriminators(fakes, reals)
        losses |= self._step_generator(fakes, reals, rgb1)
        if self.average is not None:
            self.average.update_parameters(self.generator)
        self.num_steps_done += 1
        return losses

    def _set_learning_rate(self) -> None:
        learning_rate = self.config.learning_rate_at(self.num_steps_done)
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate

    def _step_discriminators(
        self, fakes: Sequence[Tensor], reals: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        self.discriminators.requires_grad_(True)
        both = [
            torch.cat([real, fake.detach()]) for real, fake in zip(reals, fakes, strict=True)
        ]  # [2 N, 3, H, W] each
        halves = [scores.chunk(2) for scores in self._judge(both)]
        loss = discriminator_loss([real for real, _ in halves], [fake for _, fake in halves])
        self._update(self._judge, self.discriminator_optimizer, loss)
        return {"discriminator": loss.detach()}

    def _step_generator(
        self, fakes: Sequence[Tensor], reals: Sequence[Tensor], rgb1: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        with self.fabric.autocast():
            losses = {"perceptual": self.perceptual_loss(fakes, reals)}
            if rgb1:
                losses["rgb1"] = self.perceptual_loss(rgb1, reals[:1])
        loss = self.config.lambda_perceptual * losses["perceptual"]
        if rgb1:
            loss = loss + self.config.lambda_rgb1 * losses["rgb1"]
        if self.config.lambda_adversarial:
            self.discriminators.requires_grad_(False)
            with self.fabric.no_backward_sync(self._judge):
                losses["adversarial"] = adversarial_loss(self._judge(fakes))
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

    def trained_generator(self) -> Generator:
        """Return the generator that becomes the style: the moving average where there is one."""
        if self.average is None:
            return self.generator
        module = self.average.module
        assert isinstance(module, Generator)
        return module

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed run needs, as tensors, numbers and strings."""
        return {
            "num_steps_done": self.num_steps_done,
            "generator_config": plain_config(self.generator.config),
            "training_config": plain_config(self.config),
            "generator": self.generator.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned; learning rate and betas are this run's own.

        A generator's setting that the state does not know yet has its default.

        Raises:
            CheckpointError: it is none of ours, belongs to another network, or has no moving
                average.
        """
        missing = self.state_dict().keys() - state.keys()
        if missing:
            raise CheckpointError(f"this is no checkpoint of pmsgan: it lacks {min(missing)!r}")
        if plain_config(GeneratorConfig()) | state["generator_config"] != plain_config(
            self.generator.config
        ):
            raise CheckpointError(
                "the checkpoint holds another network than this run asks for "
                f"({state['generator_config']}): use its settings, or a new --out"
            )
        if (state["average"] is None) != (self.average is None):
            raise CheckpointError("the checkpoint and this run differ in --ema-decay")
        self.num_steps_done = state["num_steps_done"]
        try:
            self.generator.load_state_dict(state["generator"])
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise CheckpointError(f"the checkpoint holds another network: {reason}") from error
        self.discriminators.load_state_dict(state["discriminators"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.generator_optimizer.load_state_dict(state["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        if state["precision"]:  # empty where no loss was scaled
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["betas"] = self.config.betas


def plain_config(config: GeneratorConfig | TrainingConfig) -> dict[str, Any]:
    """Return a config as JSON has it: lists instead of tuples."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain
