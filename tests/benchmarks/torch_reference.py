"""The multi-code loop in PyTorch, a baseline of our own writing: its quality and cost.

Three loops, from the method's description: `published` runs the codes one after another, keeps
gradients of all weights and descends plainly with the rate 1; `tuned` runs them in one batch with
frozen weights, Adam and a cosine schedule; `compiled` is the same through `torch.compile`. Weights,
images, degradations and metrics are those of `mgp_jax`. Needs the extra `bench`. Prints JSON lines:
for every image its quality over time,

    python tests/benchmarks/torch_reference.py --images FOLDER --task gray --loop tuned

or what a step costs, for a family of `torch_networks.py`, `pggan:256` being a random one:

    python tests/benchmarks/torch_reference.py --step-only --generator pggan:256 --layer 8 --batch 1

`mgp bench speed` and `mgp bench cost` run it beside ours.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from torch_networks import Network, Operator

from mgp_jax.agreement import put_back
from mgp_jax.benchmark.cost import named_generator
from mgp_jax.degradations import Degradation, parse
from mgp_jax.generators import Generator
from mgp_jax.images import find_images, read_image
from mgp_jax.metrics import compare

LOOPS = ("tuned", "compiled", "published")


class Loop:
    """The variables of a batch of images and their optimiser.

    Args:
        network: the networks.
        observations: [B, C, H, W].
        apply: the degradation.
        codes: number of codes N.
        steps: number of steps of the cosine schedule.
        kind: one of `LOOPS`.
        perceptual: weight of the perceptual loss.
    """

    def __init__(
        self,
        network: Network,
        observations: torch.Tensor,
        apply: Operator,
        codes: int,
        steps: int,
        kind: str,
        perceptual: float = 0.001,
    ):
        self.network, self.observations, self.apply = network, observations, apply
        self.published, self.perceptual = kind == "published", perceptual
        batch = len(observations)
        self.z = torch.randn(batch, codes, network.latent, requires_grad=True)
        self.alpha = torch.full((batch, codes, network.channels), 1 / codes, requires_grad=True)
        for weight in network.weights:
            weight.requires_grad_(self.published)
        groups = [{"params": [self.z], "lr": 0.1}, {"params": [self.alpha], "lr": 0.2 / codes}]
        self.styles = None
        if network.mean_styles is not None:
            self.styles = network.mean_styles.repeat(batch, 1, 1).requires_grad_()
            groups.append({"params": [self.styles], "lr": 0.05})
        if self.published:
            variables = [variable for group in groups for variable in group["params"]]
            self.optimizer = torch.optim.SGD(variables, lr=1.0)
            self.schedule = None
        else:
            self.optimizer = torch.optim.Adam(groups)
            self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps)
        with torch.no_grad():
            self.target = network.features(observations) if perceptual else None
        # Where a GPU would do it so: automatic mixed precision; the layout is that of the weights.
        mixed = torch.autocast("cuda", torch.bfloat16, enabled=self.z.is_cuda)
        objective = mixed(self.objective)
        # Small steps on a GPU are bound by launches, which recorded graphs save.
        mode = "reduce-overhead" if self.z.is_cuda else "default"
        self.loss = torch.compile(objective, mode=mode) if kind == "compiled" else objective

    def render(self) -> torch.Tensor:
        """Renders the current codes: [B, 3, H, W]."""
        batch, codes, latent = self.z.shape
        if self.published:
            heads = [self.network.head(self.z[:, n]) for n in range(codes)]
            maps = torch.stack(heads, dim=1)
        else:
            maps = self.network.head(self.z.reshape(batch * codes, latent))
            maps = maps.reshape(batch, codes, *maps.shape[1:])
        fused = (maps * self.alpha[:, :, :, None, None]).sum(dim=1)
        return self.network.tail(fused / codes if self.published else fused, self.styles)

    def objective(self) -> torch.Tensor:
        """Returns the loss of the whole batch."""
        seen = self.apply(self.render())
        loss = functional.mse_loss(seen, self.observations)
        if self.target is not None:
            features = self.network.features(seen)
            loss = loss + self.perceptual * functional.l1_loss(features, self.target)
        # One objective an image: the mean over the batch would shrink the gradients.
        return loss * len(self.observations)

    def step(self) -> None:
        """Takes one step."""
        self.optimizer.zero_grad()
        self.loss().backward()
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()


def operator(degradation: Degradation, spec: str) -> Operator:
    """Returns the degradation of a spec as a PyTorch function."""
    if spec == "identity":
        return lambda image: image
    if spec == "gray":
        weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        return lambda image: (image * weights).sum(1, keepdim=True)
    if spec.startswith("down:") and spec.count(":") == 1:
        return lambda image: functional.avg_pool2d(image, int(spec.split(":")[1]))
    if spec.startswith("mask:"):
        known = torch.tensor(np.asarray(degradation.known)).permute(2, 0, 1)[None]
        return lambda image: image * known
    raise SystemExit(f"{spec}: the reference knows identity, gray, down:F and mask:...")


def curve(
    loop: Loop, steps: int, seconds: Sequence[float], milestones: Sequence[int]
) -> Iterator[tuple[int, float, np.ndarray]]:
    """Runs a loop and yields steps, time and rendering [H, W, 3] at the wanted times and steps.

    The time is that of the steps alone. What is wanted at a time is the last step that was done.
    """
    spent, waiting = 0.0, sorted(seconds)
    for done in range(1, steps + 1):
        began = time.perf_counter()
        loop.step()
        spent += time.perf_counter() - began
        due = [second for second in waiting if second <= spent]
        waiting = waiting[len(due) :]
        if due or done in milestones or done == steps:
            with torch.no_grad():
                yield done, spent, loop.render()[0].permute(1, 2, 0).cpu().numpy()


def quality(arguments: argparse.Namespace, kind: str) -> None:
    """Prints one JSON line an image: PSNR and LPIPS over time of a loop."""
    generator = named_generator(arguments.generator)
    network = Network(generator, cut_of(generator, arguments.layer))
    degradation = parse(arguments.task, generator.resolution)
    apply = operator(degradation, arguments.task)
    for path in find_images(arguments.images):
        truth = read_image(path, generator.resolution)
        observation = apply(torch.tensor(truth).permute(2, 0, 1)[None])
        loop = Loop(network, observation, apply, arguments.codes, arguments.steps, kind)
        seen = observation[0].permute(1, 2, 0).cpu().numpy()
        points = []
        for step, spent, image in curve(
            loop, arguments.steps, arguments.seconds, arguments.milestones
        ):
            restored = np.asarray(put_back(degradation, image, seen))
            scores = compare(restored[None], truth[None])
            point = {name: scores[name][0] for name in ("psnr", "lpips")}
            points.append({"step": step, "seconds": round(spent, 4), **point})
        record = {"image": str(path), "loop": kind, "task": arguments.task}
        print(json.dumps(record | {"curve": points}), flush=True)


def step_cost(arguments: argparse.Namespace, kind: str, batch: int) -> None:
    """Prints a JSON line: seconds a step and image of a loop, and the arithmetic of it."""
    generator = named_generator(arguments.generator)
    network = Network(generator, cut_of(generator, arguments.layer))
    size = generator.resolution
    observations = torch.tanh(torch.randn(batch, 3, size, size))
    loop = Loop(
        network,
        observations,
        lambda image: image,
        arguments.codes,
        1000,
        kind,
        arguments.perceptual,
    )
    with FlopCounterMode(display=False) as counter:
        loop.objective().backward()
    # The first step compiles, the next ones may record it.
    for _ in range(3):
        loop.step()
    times = []
    for _ in range(arguments.repetitions):
        if arguments.device == "cuda":
            torch.cuda.synchronize()
        began, used = time.perf_counter(), time.process_time()
        loop.step()
        if arguments.device == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - began, time.process_time() - used))
    wall, processor = (min(column) / batch for column in zip(*times, strict=True))
    record = {
        "loop": kind,
        "batch": batch,
        "seconds": wall,
        "processor_seconds": processor,
        "flops": counter.get_total_flops() / batch,
    }
    print(json.dumps(record), flush=True)


def cut_of(generator: Generator, layer: str | None) -> int:
    """Returns the index of the cut, the default one for None."""
    return generator.default_cut() if layer is None else generator.cut(layer)


def main() -> None:
    """Parses arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default="faces64")
    parser.add_argument("--layer")
    parser.add_argument("--codes", type=int, default=20)
    parser.add_argument("--loop", choices=LOOPS, nargs="+", default=["tuned"])
    parser.add_argument("--images", nargs="+", default=[])
    parser.add_argument("--task", default="identity")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 2, 5, 10, 20, 40])
    parser.add_argument("--milestones", type=int, nargs="+", default=[200, 500, 1000])
    parser.add_argument("--step-only", action="store_true")
    parser.add_argument("--batch", type=int, nargs="+", default=[1])
    parser.add_argument("--perceptual", type=float, default=0.001)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument(
        "--device", default="cpu", help="cpu or cuda; on cuda in mixed precision, channels last"
    )
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_default_device(arguments.device)
    for kind in arguments.loop:
        if not arguments.step_only:
            quality(arguments, kind)
            continue
        for batch in arguments.batch:
            torch.compiler.reset()  # Or the second batch size is compiled for all sizes.
            step_cost(arguments, kind, batch)


if __name__ == "__main__":
    main()
