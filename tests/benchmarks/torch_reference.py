"""The multi-code loop in PyTorch, as a baseline: `as published` and `tuned`.

Our own writing from the method's description, on the same converted weights and images as ours.
Needs the extra `bench`. Prints one JSON line for each task with PSNR, LPIPS and seconds per image:

    python tests/benchmarks/torch_reference.py --images FOLDER --tasks gray down:4 --steps 300
"""

import argparse
import json
import time

import numpy as np
import torch
from torch.nn import functional

from mgp_jax.degradations import parse
from mgp_jax.generators import load_generator
from mgp_jax.images import find_images, read_image
from mgp_jax.metrics import compare
from mgp_jax.perception import bundled_extractor
from mgp_jax.perception.vgg import IMAGENET_MEAN, IMAGENET_STD
from mgp_jax.restoration import put_back

CODES, CUT = 20, 3


class Network:
    """The bundled DCGAN and VGG16 as PyTorch functions of NCHW tensors."""

    def __init__(self):
        params = load_generator("faces64").params
        self.layers = [
            (torch.tensor(np.asarray(layer["kernel"])), torch.tensor(np.asarray(layer["bias"])))
            for layer in params.values()
        ]
        # Our kernels are those of a correlation, flipped against transposed convolutions.
        self.layers = [
            (k.permute(2, 3, 0, 1) if i == 0 else k.flip(0, 1).permute(2, 3, 0, 1), b)
            for i, (k, b) in enumerate(self.layers)
        ]
        self.layers = [(kernel.contiguous(), bias) for kernel, bias in self.layers]
        self.vgg = [
            (torch.tensor(np.asarray(p["kernel"])).permute(3, 2, 0, 1).contiguous(), name)
            for name, p in bundled_extractor().params.items()
        ]
        self.vgg_bias = {
            name: torch.tensor(np.asarray(p["bias"]))
            for name, p in bundled_extractor().params.items()
        }
        self.mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        self.std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)

    def head(self, z: torch.Tensor) -> torch.Tensor:
        """Maps [N, 100] to [N, C, H, W] at the cut."""
        x = z[:, :, None, None]
        for index in range(CUT):
            x = torch.relu(self._layer(x, index))
        return x

    def tail(self, x: torch.Tensor) -> torch.Tensor:
        """Maps [1, C, H, W] to an image [1, 3, 64, 64]."""
        for index in range(CUT, len(self.layers) - 1):
            x = torch.relu(self._layer(x, index))
        return torch.tanh(self._layer(x, len(self.layers) - 1))

    def _layer(self, x: torch.Tensor, index: int) -> torch.Tensor:
        kernel, bias = self.layers[index]
        stride, padding = (1, 0) if index == 0 else (2, 1)
        return functional.conv_transpose2d(x, kernel, bias, stride=stride, padding=padding)

    def features(self, image: torch.Tensor) -> torch.Tensor:
        """Returns relu3_3 of an image [1, 1 or 3, H, W] in [-1, 1]."""
        x = (image.expand(1, 3, *image.shape[2:]) * 0.5 + 0.5 - self.mean) / self.std
        for kernel, name in self.vgg:
            if name in ("conv2_1", "conv3_1"):
                x = functional.max_pool2d(x, 2)
            x = torch.relu(functional.conv2d(x, kernel, self.vgg_bias[name], padding=1))
        return x


def operator(spec: str, known: torch.Tensor | None):
    """Returns the degradation of a spec as a PyTorch function."""
    if spec == "gray":
        weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        return lambda image: (image * weights).sum(1, keepdim=True)
    if spec.startswith("down:"):
        return lambda image: functional.avg_pool2d(image, int(spec.split(":")[1]))
    return (lambda image: image * known) if known is not None else (lambda image: image)


def run(network: Network, observation: torch.Tensor, apply, steps: int, published: bool):
    """Optimises one image and returns its rendering."""
    z = torch.randn(CODES, 100, requires_grad=True)
    alpha = torch.full((CODES, 128), 1 / CODES, requires_grad=True)
    if published:
        optimizer = torch.optim.SGD([z, alpha], lr=1.0)
        for tensor in [t for layer in network.layers for t in layer]:
            tensor.requires_grad_(True)
    else:
        groups = [{"params": [z], "lr": 0.1}, {"params": [alpha], "lr": 0.2 / CODES}]
        optimizer = torch.optim.Adam(groups)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with torch.no_grad():
        target = network.features(observation)
    image = observation
    for _ in range(steps):
        optimizer.zero_grad()
        if published:
            maps = torch.cat([network.head(z[n : n + 1]) for n in range(CODES)])
            fused = (maps * alpha[:, :, None, None]).sum(0, keepdim=True) / CODES
        else:
            fused = (network.head(z) * alpha[:, :, None, None]).sum(0, keepdim=True)
        image = network.tail(fused)
        seen = apply(image)
        loss = functional.mse_loss(seen, observation)
        loss = loss + 0.001 * functional.l1_loss(network.features(seen), target)
        loss.backward()
        optimizer.step()
        if not published:
            schedule.step()
    return image.detach()


def main() -> None:
    """Runs the loop on all images and tasks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True)
    parser.add_argument("--tasks", nargs="+", default=["identity"])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--published", action="store_true")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    network = Network()
    truths = np.stack([read_image(path, 64) for path in find_images([arguments.images])])
    for spec in arguments.tasks:
        degradation = parse(spec, 64)
        known = getattr(degradation, "known", None)
        mask = None if known is None else torch.tensor(np.asarray(known)).permute(2, 0, 1)[None]
        apply = operator(spec, mask)
        results, seconds = [], []
        for truth in truths:
            began = time.perf_counter()
            observation = apply(torch.tensor(truth).permute(2, 0, 1)[None])
            image = run(network, observation, apply, arguments.steps, arguments.published)
            seconds.append(time.perf_counter() - began)
            seen = np.asarray(observation[0].permute(1, 2, 0))
            image = image[0].permute(1, 2, 0).numpy()
            results.append(np.asarray(put_back(degradation, image, seen)))
        scores = compare(np.stack(results), truths)
        record = {name: float(np.mean(scores[name])) for name in ("psnr", "lpips")}
        loop = "published" if arguments.published else "tuned"
        record |= {"task": spec, "loop": loop, "steps": arguments.steps}
        print(json.dumps(record | {"seconds": float(np.mean(seconds))}), flush=True)


if __name__ == "__main__":
    main()
