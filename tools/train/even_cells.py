# SPDX-License-Identifier: GPL-3.0-or-later
"""Evens the decoder of models/horizon, in place: its pictures change by as much where two latent cells meet as inside
of cells. Run after export.py; needs no photograph.

A decoder that was trained on differences and for texture draws every eighth column and row stronger, by some tenths; in
large skies a grid is the first thing that one sees, and no measure of seams can tell it from tiles. Here the decoder
learns to paint what it painted before, of latents that the model itself makes, with the same amount of detail in all
eight places of a cell.
"""
import argparse
import copy
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import captions
import evaluate

CELL = 8  # pixels
ROOT = Path(__file__).resolve().parents[2]


def painted(painter, n, batch=8):
    """Latents of n pictures of all kinds."""
    rng, out = random.Random(3), []
    for first in range(0, n, batch):
        said = [", ".join((rng.choice(list(captions.CLASSES)), rng.choice(list(captions.LIGHT)),
                           rng.choice(("horizon", "only ground", "only sky", "wide view")))) for _ in range(batch)]
        out.append(painter.latents(said, range(first, first + batch), guidance=rng.choice((3, 4, 6)), steps=10))
    return torch.cat(out)


def detail(x):
    """[2, CELL]: the mean difference of neighbours across columns and rows, for each place in a cell; the last is where
    two cells meet. x: [n, 3, h, w], h and w multiples of CELL."""
    places = []
    for y in (x, x.transpose(2, 3)):
        d = y.diff(dim=3).abs().mean((0, 1, 2))
        d = F.pad(d, (0, 1)).view(-1, CELL)
        places.append(torch.cat([d[:, :-1].mean(0), d[:-1, -1:].mean(0)]))
    return torch.stack(places)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", type=Path, default=ROOT / "models/horizon")
    ap.add_argument("--pictures", type=int, default=128)
    ap.add_argument("--steps", type=int, default=120)
    ap.add_argument("--lr", type=float, default=1.5e-4)
    ap.add_argument("--weight", type=float, default=0.3, help="of evenness beside what the decoder painted before")
    ap.add_argument("--window", type=int, default=24, help="cells: a picture's own edge is not to be learnt")
    a = ap.parse_args()
    torch.manual_seed(1)
    painter = evaluate.Painter(a.model)
    latents = painted(painter, a.pictures)
    vae = painter.vae
    before = copy.deepcopy(vae).requires_grad_(False)
    params = [*vae.decoder.parameters(), *(vae.post_quant_conv.parameters() if vae.post_quant_conv else ())]
    opt = torch.optim.AdamW(params, lr=a.lr, betas=(0.9, 0.99), weight_decay=0)
    mean = [p.detach().clone() for p in params]
    last = time.time()
    for step in range(a.steps):
        z = latents[torch.randint(len(latents), (6,))]
        y, x = torch.randint(z.shape[2] - a.window + 1, (2,))
        z = z[:, :, y:y + a.window, x:x + a.window].contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            wanted = before.decode(z).sample
        got = vae.decode(z).sample
        d = detail(got)
        uneven = (d / d.mean(1, keepdim=True) - 1).square().mean() + (d.mean() / detail(wanted).mean() - 1).square()
        change = F.smooth_l1_loss(got, wanted, beta=0.05)
        for g in opt.param_groups:
            g["lr"] = a.lr * min(1, (step + 1) / 20) * (1 - step / a.steps)
        opt.zero_grad()
        (change + a.weight * uneven).backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        with torch.no_grad():
            torch._foreach_lerp_(mean, [p.detach() for p in params], max(1 / (step + 1), 0.03))
        if step % 10 == 9:
            print(f"step {step + 1} uneven {uneven.item():.5f} change {change.item():.5f} {(time.time() - last) / 10:.1f} s/step", flush=True)
            last = time.time()
    for p, m in zip(params, mean):
        p.data = m
    with torch.no_grad():
        z = latents[:32]
        for name, model in (("before", before), ("after", vae)):
            d = detail(model.decode(z).sample)
            print(name, "detail where cells meet over the mean, columns and rows:",
                  *(f"{v:.3f}" for v in (d[:, -1] / d.mean(1)).tolist()))
    save_file({n: v.half().contiguous() for n, v in vae.state_dict().items()},
              a.model / "vae/diffusion_pytorch_model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
