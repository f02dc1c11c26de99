# SPDX-License-Identifier: GPL-3.0-or-later
"""What DemoFusion's published loop computes, in PyTorch and with diffusers' DDIM: tests/data/demofusion/golden.safetensors.

Du 2024, 3.2 to 3.4, as diffusers' community pipeline (pipeline_demofusion_sdxl) has it: skip residual, crops that are shifted, each of
them stepped by itself and averaged, dilated views that are predicted from a blurred canvas. A formula stands in for the network. Three
things are Tessera's own (core/demofusion.h): where crops lie follows from a hash of seed, step and place, outer crops stay at the ends so
that nothing is padded, and the blur's kernel is cut where the canvas ends. Sizes are such that the published code pads no view.
Sets: n2 (every step kept) and n3; NAME.{picture,noise} go in, NAME.step.N come out, NAME.starts_{x,y} are [steps, crops].
"""
import pathlib

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler
from safetensors.torch import save_file

CHANNELS, STEPS, TILE, STRIDE, SEED = 2, 6, 16, 8, 5
SETS = {"n2": (2, 32, 48, range(STEPS)), "n3": (3, 48, 72, (0, STEPS - 1))}  # n, height, width, steps kept
COSINE_1, COSINE_2, COSINE_3, SIGMA = 3, 1, 1, 1.0
MASK = 2**64 - 1


def chance(step, place):
    """splitmix64 (Steele 2014) of a place at a step."""
    z = (SEED + (step << 32 | place) * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def starts(step, length, first):
    n, reach = (length - TILE) // STRIDE + 1, (TILE - STRIDE) // 4
    moved = [i * STRIDE + chance(step, first + i) % (2 * reach + 1) - reach for i in range(n)]
    return [0, *moved[1:-1], length - TILE]


def network(x, index):
    beside = F.pad(x, (1, 1, 0, 0), "replicate")
    return 0.7 * x + 0.2 * torch.tanh(beside[..., :-2] + beside[..., 2:]) + 0.01 * index


def blur(x, n, sigma):
    at = torch.arange(2 * n - 1) - (n - 1.0)
    line = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = (line[:, None] * line[None] / line.sum() ** 2).expand(CHANNELS, 1, -1, -1)
    smooth = F.conv2d(x, kernel, padding=n - 1, groups=CHANNELS)
    smooth = smooth / F.conv2d(torch.ones_like(x), kernel, padding=n - 1, groups=CHANNELS)
    return (smooth - smooth.mean()) / smooth.std() * x.std() + x.mean()


def phase(n, picture, noise, crops):
    """One picture n times as large; yields the canvas after each step."""
    ddim = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
                         set_alpha_to_one=False, steps_offset=1, timestep_spacing="leading")
    ddim.set_timesteps(STEPS)
    noised = [ddim.add_noise(picture, noise, t[None]) for t in ddim.timesteps]
    x = noised[0]
    for i, t in enumerate(ddim.timesteps):
        c = 0.5 * (1 + torch.cos(torch.pi * (1000 - t) / 1000))
        x = x * (1 - c**COSINE_1) + noised[i] * c**COSINE_1

        local, count = torch.zeros_like(x), torch.zeros_like(x)
        for y0 in crops[1][i]:
            for x0 in crops[0][i]:
                crop = x[..., y0:y0 + TILE, x0:x0 + TILE]
                local[..., y0:y0 + TILE, x0:x0 + TILE] += ddim.step(network(crop, i), t, crop).prev_sample
                count[..., y0:y0 + TILE, x0:x0 + TILE] += 1

        dilated = torch.zeros_like(x)
        seen = blur(x, n, SIGMA * float(0.99 * c**COSINE_3 + 0.01))
        for a in range(n):
            for b in range(n):
                said = network(seen[..., a::n, b::n], i)
                dilated[..., a::n, b::n] = ddim.step(said, t, x[..., a::n, b::n]).prev_sample

        x = local / count * (1 - c**COSINE_2) + dilated * c**COSINE_2
        if i == STEPS - 1:
            x = (x - x.mean()) / x.std() * picture.std() + picture.mean()
        yield x


def main():
    out = pathlib.Path(__file__).parents[2] / "tests/data/demofusion"
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(20)
    golden = {}
    for name, (n, h, w, kept) in SETS.items():
        picture = F.interpolate(torch.randn(1, CHANNELS, h // n, w // n), (h, w), mode="bicubic")
        noise = torch.randn_like(picture)
        crops = [[starts(i, w, 0) for i in range(STEPS)], [starts(i, h, 1 << 24) for i in range(STEPS)]]
        golden |= {f"{name}.picture": picture, f"{name}.noise": noise}
        golden |= {f"{name}.starts_{axis}": torch.tensor(at, dtype=torch.float32) for axis, at in zip("xy", crops)}
        golden |= {f"{name}.step.{i}": x for i, x in enumerate(phase(n, picture, noise, crops)) if i in kept}
    save_file({k: v.contiguous() for k, v in golden.items()}, out / "golden.safetensors")
    print({k: list(v.shape) for k, v in golden.items()})


main()
