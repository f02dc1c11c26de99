# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs to learn enlarging from: windows of photographs, and what is left of them after they were blurred, made
smaller, noised and packed as JPEG, in random order, twice.

    upscale_data.py [--chunks 25]

fills WORK/upscale with chunks of 40 pairs and their latents (held.pt: of photographs that are held out); chunks
that are there stay. Everything of a chunk follows from its number. Source: Wang 2021 (Real-ESRGAN), 3.2.
"""
import argparse
import io
import math
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from PIL import Image

import ae_model
import data

SIDE = 512  # of a window
POOL = data.WORK / "upscale"
PER_CHUNK = 40


def blur(x, rng):
    """By a Gaussian of any two widths and angle."""
    a, b, angle = rng.uniform(0.3, 2.2), rng.uniform(0.3, 2.2), rng.uniform(0, math.pi)
    if rng.random() < 0.6:
        b = a
    y, z = torch.meshgrid(torch.arange(-7.0, 8), torch.arange(-7.0, 8), indexing="ij")
    u, v = math.cos(angle) * z + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * z
    k = torch.exp(-0.5 * ((u / a).square() + (v / b).square()))
    k = (k / k.sum()).expand(3, 1, 15, 15)
    return F.conv2d(F.pad(x[None], (7,) * 4, mode="reflect"), k, groups=3)[0]


def resize(x, h, w, rng):
    how = rng.choice(("area", "bilinear", "bicubic"))
    if how == "area":
        return F.interpolate(x[None], size=(h, w), mode="area")[0]
    return F.interpolate(x[None], size=(h, w), mode=how, antialias=rng.random() < 0.7)[0].clamp(0, 1)


def noise(x, rng, gen, most):
    """As of a sensor (grows with light) or of all light alike; of each channel or of all three together."""
    n = torch.randn(x.shape if rng.random() < 0.6 else (1, *x.shape[1:]), generator=gen)
    level = rng.uniform(0.2, 1) * most / 255
    if rng.random() < 0.4:
        n = n * x.clamp(min=0.02).sqrt() * 1.4
    return (x + level * n).clamp(0, 1)


def to_bytes(x):
    return (x.clamp(0, 1) * 255).round().byte()


def jpeg(x, rng, least):
    file = io.BytesIO()
    Image.fromarray(to_bytes(x).permute(1, 2, 0).numpy()).save(file, "JPEG", quality=rng.randint(least, 95))
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float() / 255


def degrade(x, factor, rng):
    """[3,h,w] in 0..1 -> uint8 [3,h/factor,w/factor]."""
    gen = torch.Generator().manual_seed(rng.getrandbits(48))
    h, w = x.shape[1] // factor, x.shape[2] // factor
    for turn in range(2):
        steps = ["blur", "resize", "noise", "jpeg"]
        rng.shuffle(steps)
        for step in steps:
            if step == "blur" and rng.random() < (0.8, 0.4)[turn]:
                x = blur(x, rng)
            elif step == "resize" and turn == 0:
                s = factor ** -rng.uniform(0.3, 1.1)
                x = resize(x, max(32, round(SIDE * s)), max(32, round(SIDE * s)), rng)
            elif step == "resize":
                x = resize(x, h, w, rng)
            elif step == "noise" and rng.random() < 0.7:
                x = noise(x, rng, gen, (12, 6)[turn])
            elif step == "jpeg" and rng.random() < 0.8:
                x = jpeg(x, rng, (50, 60)[turn])
    return to_bytes(x)


def enlarge(small, side=SIDE):
    """uint8 [n,3,h,w] -> [n,3,side,side] in -1..1, as core/enlarge.c does."""
    x = F.interpolate(small.float() / 127.5 - 1, size=(side, side), mode="bicubic")
    return x.clamp(-1, 1)


def window(photo, rng):
    """uint8 [3,SIDE,SIDE] of a photograph at a size that it still is sharp at."""
    im = photo
    h = rng.randint(SIDE, im.height)
    if h != im.height:
        im = im.resize((round(im.width * h / im.height), h), Image.LANCZOS)
    y, x = rng.randint(0, h - SIDE), rng.randint(0, im.width - SIDE)
    c = torch.from_numpy(np.array(im.crop((x, y, x + SIDE, y + SIDE)))).permute(2, 0, 1)
    return c.flip(2) if rng.random() < 0.5 else c


def make_chunk(photos, vae, seed):
    """Pairs as dict: large uint8 [n,3,SIDE,SIDE]; small: list of uint8 [3,h,w]; z, z_small: latents of both."""
    rng = random.Random(seed)
    large, small, z, z_small = [], [], [], []
    for _ in range(PER_CHUNK):
        with Image.open(rng.choice(photos)["path"]) as im:
            large.append(window(im.convert("RGB"), rng))
        small.append(degrade(large[-1].float() / 255, rng.choice((4, 4, 2)), rng))
        both = torch.cat([large[-1][None].float() / 127.5 - 1, enlarge(small[-1][None])])
        with ae_model.low_precision(torch.device("cpu")):
            both = vae.encode(both.contiguous(memory_format=torch.channels_last)).latent_dist.mean
        both = (both.float() * vae.config.scaling_factor).half()
        z.append(both[0])
        z_small.append(both[1])
    return dict(large=torch.stack(large), small=small, z=torch.stack(z), z_small=torch.stack(z_small))


@torch.no_grad()
def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--chunks", type=int, default=25)
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    POOL.mkdir(parents=True, exist_ok=True)
    photos, _ = data.photographs()
    vae = AutoencoderKL.from_pretrained(data.ROOT / "models/horizon/vae", torch_dtype=torch.float32).eval()
    vae = vae.to(memory_format=torch.channels_last)
    for i in range(-1, a.chunks):
        path = POOL / ("held.pt" if i < 0 else f"{i:03}.pt")
        if path.exists():
            continue
        began = time.time()
        chunk = make_chunk([p for p in photos if p["held_out"] == (i < 0)], vae, 1000 + i)
        tmp = path.with_suffix(".tmp")
        torch.save(chunk, tmp)
        tmp.rename(path)
        print(f"{path.name} {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
