"""Makes `tests/data/packages/NAME.npz` by running the packages themselves.

    python tests/convert/make_packages.py [NAME ...]

Needs PyTorch and the packages, whose versions are written into the fixtures. What they import for
training only need not be installed.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any
from unittest.mock import MagicMock, patch

import numpy as np
import torch
from packages import FOLDER, pick, weights
from torch import nn

FOR_TRAINING = (
    *(
        "torch.utils.tensorboard",
        "skimage",
        "aim",
        "fire",
        "retry",
        "boto3",
        "botocore",
        "botocore.exceptions",
        "adabelief_pytorch",
        "torchvision",
    ),
    *(f"torch_mimicry.{name}" for name in ("metrics", "training", "datasets", "utils")),
    *("vector_quantize_pytorch", "lightweight_gan.diff_augment", "stylegan2_pytorch.diff_augment"),
)


def save(
    name: str,
    package: str,
    model: nn.Module,
    run: Callable[[torch.Tensor, int], torch.Tensor],
    size: int,
    taps: Sequence[str],
    labels: Sequence[int] = (0,),
    equalised: bool = False,
    **settings: Any,
) -> None:
    """Gives a model the weights of the rule, runs it, and writes what comes out.

    Args:
        name: of the fixture.
        package: on the package index; an empty text for PyTorch alone.
        model: the generator.
        run: makes images of codes and a label.
        size: length of a code.
        taps: modules whose inputs are recorded, or with a `>` in front their outputs.
        labels: classes to draw.
        equalised: whether the package scales weights when it runs.
        settings: what tests need to know.
    """
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    tensors = weights(shapes, equalised)
    for key, value in model.named_buffers():
        # Constants that the packages have built in.
        if key.endswith((".f", "kernel", "dct_weights")):
            assert np.allclose(value, tensors[key], atol=1e-6), key
    model.load_state_dict({key: torch.tensor(value) for key, value in tensors.items()})
    model.eval()
    seen: list[np.ndarray] = []

    def keep(value: torch.Tensor) -> None:
        array = value.detach().numpy()
        seen.append(pick(np.moveaxis(array, 1, -1) if array.ndim == 4 else array))

    for tap in taps:
        module = model.get_submodule(tap.removeprefix(">"))
        if tap.startswith(">"):
            module.register_forward_hook(lambda _, given, made: keep(made))
        else:
            module.register_forward_pre_hook(lambda _, given: keep(given[0]))
    z = torch.tensor(np.random.RandomState(1).standard_normal((2, size)).astype(np.float32))
    arrays: dict[str, np.ndarray] = {"z": z.numpy()}
    for label in labels:
        seen.clear()
        with torch.no_grad():
            keep(run(z, label))
        arrays[f"maps{label}"] = np.stack(seen)
    about = {
        "package": f"{package} {version(package)}" if package else "",
        "torch": torch.__version__,
        "shapes": shapes,
        "equalised": equalised,
        **settings,
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)


class Conditional(nn.Module):
    """A stack whose label is joined to the code; its names are those of eriklindernoren's cgan."""

    def __init__(self, join: str, latent: int = 6, classes: int = 4):
        super().__init__()
        size = latent if join == "multiply" else 5
        if join != "one_hot":
            self.label_emb = nn.Embedding(classes, size)
        inputs = {"multiply": latent, "one_hot": latent + classes}.get(join, latent + size)
        self.model = nn.Sequential(
            nn.ConvTranspose2d(inputs, 8, 4, 1, 0),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 3, 4, 2, 1),
            nn.Tanh(),
        )
        self.join, self.classes = join, classes

    def forward(self, z: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        if self.join == "one_hot":
            code = torch.cat([z, nn.functional.one_hot(label, self.classes).float()], 1)
        elif self.join == "multiply":
            code = self.label_emb(label) * z
        elif self.join == "label_first":
            code = torch.cat([self.label_emb(label), z], 1)
        else:
            code = torch.cat([z, self.label_emb(label)], 1)
        return self.model(code[:, :, None, None])


def conditional(join: str) -> Callable[[], None]:
    def make() -> None:
        model = Conditional(join)
        labels = lambda z, k: torch.full((len(z),), k)  # noqa: E731
        run = lambda z, k: model(z, labels(z, k))  # noqa: E731
        save(f"conditional_{join}", "", model, run, 6, [">model.2"], (0, 3))

    return make


def biggan() -> None:
    from pytorch_pretrained_biggan.config import BigGANConfig
    from pytorch_pretrained_biggan.model import BigGAN

    layers = [(False, 16, 8), (True, 8, 4), (False, 4, 2), (True, 2, 1)]
    config = BigGANConfig(16, 6, 6, 4, 5, layers, attention_layer_position=2)
    model, truncation = BigGAN(config), 0.55

    def run(z: torch.Tensor, label: int) -> torch.Tensor:
        return model(z, nn.functional.one_hot(torch.full((len(z),), label), 5).float(), truncation)

    taps = [*(f"generator.layers.{k}" for k in (0, 1, 3, 4)), "generator.bn"]
    package = "pytorch-pretrained-biggan"
    save("biggan_deep", package, model, run, 6, taps, (0, 3), truncation=truncation)


def sngan(name: str, kind: str, size: int, **settings: Any) -> Callable[[], None]:
    def make() -> None:
        from importlib import import_module

        folder = kind.lower().replace("cganpd", "cgan_pd")
        # Other packages look for it, and would find this.
        sys.modules["tensorflow"] = MagicMock()
        module = import_module(f"torch_mimicry.nets.{folder}.{folder}_{size}")
        del sys.modules["tensorflow"]
        model = getattr(module, f"{kind}Generator{size}")(nz=6, **settings)
        blocks = [n for n, _ in model.named_children() if n.startswith("block")]
        last = next(n for n, _ in model.named_children() if n.startswith("b") and n not in blocks)
        labels = lambda z, k: (torch.full((len(z),), k),)  # noqa: E731
        many = "num_classes" in settings
        run = lambda z, k: model(z, *(labels(z, k) if many else ()))  # noqa: E731
        save(name, "torch-mimicry", model, run, 6, [*blocks, last], (0, 2) if many else (0,))

    return make


def progan() -> None:
    from pro_gan_pytorch import modules, networks

    usual = networks.nf
    networks.nf = lambda stage, *_, **__: max(4, min(10, usual(stage) >> 9))
    # The signature of what it overrides has changed since in PyTorch.
    modules.EqualizedConvTranspose2d._output_padding = lambda *_: (0, 0)
    model = networks.Generator(depth=4, num_channels=3, latent_size=6)
    taps = [f">layers.{k}.lrelu" for k in range(3)]
    save("pro_gan_pth", "pro-gan-pth", model, lambda z, k: model(z), 6, taps, equalised=True)


def stylegan2_torch() -> None:
    import torch.utils.cpp_extension as extension

    extension.load = MagicMock()
    from stylegan2_torch.generator import Generator
    from stylegan2_torch.op import upfirdn2d

    def filtered(x: torch.Tensor, kernel: torch.Tensor, up: int, *rest: int) -> torch.Tensor:
        """What the package has for CUDA only: zeros in between, padding, a true convolution."""
        before, behind = rest[3:5]
        stuffed = x.new_zeros(len(x), 1, up * x.shape[2], up * x.shape[3])
        stuffed[:, :, ::up, ::up] = x
        padded = nn.functional.pad(stuffed, (before, behind, before, behind))
        return nn.functional.conv2d(padded, kernel.flip(0, 1)[None, None])

    upfirdn2d.upfirdn2d_op.upfirdn2d = filtered
    model = Generator(16, 6, 2, channels={4: 8, 8: 6, 16: 4})
    sizes = [4 * 2 ** ((k + 1) // 2) for k in range(5)]
    silence = [torch.zeros(1, 1, size, size) for size in sizes]

    def run(z: torch.Tensor, label: int) -> torch.Tensor:
        return model([z], noises=silence)

    taps = [">convs.0", ">up_convs.0", ">convs.1", ">up_convs.1", ">convs.2"]
    save("stylegan2_torch", "stylegan2-torch", model, run, 6, taps, equalised=True)


def lucidrains(name: str, size: int, **settings: Any) -> Callable[[], None]:
    """Makes a fixture of stylegan2_pytorch."""

    def make() -> None:
        with without_gpu():
            from stylegan2_pytorch.stylegan2_pytorch import StyleGAN2, styles_def_to_tensor

            model = StyleGAN2(size, latent_dim=6, style_depth=3, network_capacity=2, **settings)
        noise = np.random.RandomState(0).uniform(size=(size, size)).astype(np.float32)
        noise = torch.tensor(noise)[None, :, :, None]
        blocks = range(model.GE.num_layers)

        def run(z: torch.Tensor, label: int) -> torch.Tensor:
            styles = styles_def_to_tensor([(model.SE(z), len(blocks))])
            return 2 * model.GE(styles, noise.expand(len(z), -1, -1, -1))[:, :3] - 1

        taps = [f"GE.blocks.{k}.to_rgb" for k in blocks]
        save(name, "stylegan2-pytorch", model, run, 6, taps)

    return make


def lightweight(name: str, size: int, antialias: bool, **settings: Any) -> Callable[[], None]:
    def make() -> None:
        with without_gpu():
            import lightweight_gan.lightweight_gan as package

            # Its trainer does the same.
            blur = package.Blur if antialias else nn.Identity
            with patch.object(package, "Blur", blur):
                model = package.LightweightGAN(latent_dim=6, image_size=size, **settings)
        for index, layer in enumerate(model.GE.layers, 1):
            noise = np.random.RandomState(index).standard_normal((1, 1, *2 * [4 * 2**index]))
            fixed = torch.tensor(noise.astype(np.float32))
            add = layer[0][3].forward
            layer[0][3].forward = lambda x, add=add, fixed=fixed: add(x, fixed)
        # Attention, where there is one, comes before the enlargement.
        first = [(k, "2" if layer[2] else "0.0") for k, layer in enumerate(model.GE.layers)]
        taps = [*(f"GE.layers.{k}.{name}" for k, name in first), "GE.out_conv"]
        run = lambda z, k: 2 * model.GE(z)[:, :3] - 1  # noqa: E731
        save(name, "lightweight-gan", model, run, 6, taps)

    return make


@contextmanager
def without_gpu() -> Iterator[None]:
    """Lets packages believe that there is a GPU, on which they insist."""
    with (
        patch.object(torch.cuda, "is_available", lambda: True),
        patch.object(nn.Module, "cuda", lambda module, *_: module),
    ):
        yield


MAKERS: dict[str, Callable[[], None]] = {
    **{
        f"conditional_{j}": conditional(j)
        for j in ("code_first", "label_first", "multiply", "one_hot")
    },
    "biggan_deep": biggan,
    "sngan_32": sngan("sngan_32", "SNGAN", 32, ngf=8),
    "sngan_48": sngan("sngan_48", "SNGAN", 48, ngf=16, bottom_width=3),
    "cgan_pd_32": sngan("cgan_pd_32", "CGANPD", 32, ngf=8, num_classes=3, bottom_width=2),
    "sagan_32": sngan("sagan_32", "SAGAN", 32, ngf=8, num_classes=3, bottom_width=2),
    "pro_gan_pth": progan,
    "stylegan2_torch": stylegan2_torch,
    "stylegan2_pytorch": lucidrains("stylegan2_pytorch", 16, attn_layers=[1, 3]),
    "stylegan2_pytorch_rgba": lucidrains(
        "stylegan2_pytorch_rgba", 8, transparent=True, no_const=True
    ),
    "lightweight_gan": lightweight(
        "lightweight_gan", 256, True, fmap_max=8, attn_res_layers=[8], disc_output_size=1
    ),
    "lightweight_gan_gray": lightweight(
        "lightweight_gan_gray", 128, False, fmap_max=18, greyscale=True, freq_chan_attn=True
    ),
}

if __name__ == "__main__":
    for module in FOR_TRAINING:
        sys.modules.setdefault(module, MagicMock())
    for name in sys.argv[1:] or MAKERS:
        MAKERS[name]()
