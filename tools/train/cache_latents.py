# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes WORK/latents.pt: every photograph, encoded at many sizes, mirrored, stretched a little and tinted.

Before that the latent space is brought to mean 0 and deviation 1 per channel, inside quant_conv and
post_quant_conv, so the scale factor is 1 and any loader gets it right.
"""
import argparse
import math
import random
import time

import torch
import torch.nn.functional as F

import ae_model
import data

CELLS = (32, 88)  # a photograph's least and greatest height in latent cells


def fold(ae, mean, std):
    """quant_conv gives (mean - m) / s and a log variance to match; post_quant_conv takes them back."""
    n = mean.numel()
    q, p = ae.quant_conv, ae.post_quant_conv
    with torch.no_grad():
        q.weight[:n] /= std.view(n, 1, 1, 1)
        q.bias[:n] = (q.bias[:n] - mean) / std
        q.bias[n:] -= 2 * std.log()
        p.bias += (p.weight[:, :, 0, 0] @ mean)
        p.weight *= std.view(1, n, 1, 1)


def variant(im, rng, plain):
    """[1,3,8h,8w] in -1..1 of a photograph [3,720,1440]: a size log-uniform within CELLS, and how it was changed."""
    h = round(math.exp(rng.uniform(math.log(CELLS[0]), math.log(CELLS[1]))))
    stretch = 1 if plain else math.exp(rng.uniform(math.log(0.85), math.log(1.2)))
    w = max(2 * CELLS[0], round(2 * h * stretch))
    x = F.interpolate(im[None].float() / 255, size=(8 * h, 8 * w), mode="bicubic", antialias=True)
    if plain:
        return x.clamp(0, 1), h, w
    if rng.random() < 0.5:
        x = x.flip(3)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * rng.uniform(0.85, 1.15)
    tint = torch.tensor([rng.uniform(0.95, 1.05) for _ in range(3)], device=x.device).view(1, 3, 1, 1)
    return (x * tint * rng.uniform(0.9, 1.1)).clamp(0, 1), h, w


@torch.no_grad()
def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--variants", type=int, default=40)
    a = ap.parse_args()
    dev = ae_model.device()
    photos, _ = data.photographs()
    originals = [levels[0] for levels in ae_model.pyramids(photos, (720,))]
    state = torch.load(data.WORK / "ae.pt", weights_only=True)
    ae = ae_model.new_autoencoder()
    ae.load_state_dict(state["ae"])
    ae = ae.to(dev, memory_format=torch.channels_last).eval()
    rng = random.Random(4)

    def encode(x):
        return ae.encode((2 * x - 1).contiguous(memory_format=torch.channels_last)).latent_dist.mean[0]

    if not state.get("folded"):
        z = torch.cat([encode(variant(im.to(dev), rng, True)[0]).flatten(1)
                       for p, im in zip(photos, originals) if not p["held_out"]], 1)
        print("mean", z.mean(1).tolist(), "std", z.std(1).tolist())
        fold(ae, z.mean(1), z.std(1))
        torch.save({**state, "ae": {k: v.cpu() for k, v in ae.state_dict().items()}, "folded": True}, data.WORK / "ae.pt")
    began = time.time()
    out = []
    for p, im in zip(photos, originals):
        im = im.to(dev)
        for _ in range(a.variants if not p["held_out"] else 4):
            x, h, w = variant(im, rng, p["held_out"])
            out.append(dict(stem=p["stem"], h=h, w=w, latent=encode(x).half().cpu(),
                            thumb=F.interpolate(x, size=(16, 32), mode="area")[0].half().cpu()))
    torch.save(out, data.WORK / "latents.pt")
    print(f"{len(out)} maps of {len(photos)} photographs in {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
