# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the autoencoder. Goes on from WORK/ae.pt when it is there.

The learning rate falls along a cosine over --minutes of wall clock, so a run always ends well.
--decoder-only keeps the latent space as it is, so a diffusion model trained on it stays right.
"""
import argparse
import math
import time

import torch
import torch.nn.functional as F

import ae_model
import data


def gradient_loss(a, b):
    """L1 of horizontal and vertical differences at three scales."""
    loss = 0
    for _ in range(3):
        loss = loss + (a.diff(dim=2) - b.diff(dim=2)).abs().mean() + (a.diff(dim=3) - b.diff(dim=3)).abs().mean()
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return loss


def batch_of(pyr, n, side, gen):
    out = []
    r = lambda k: int(torch.randint(k, (1,), generator=gen))
    for _ in range(n):
        levels = pyr[r(len(pyr))]
        im = levels[r(len(levels))]
        y, x = r(im.shape[1] - side + 1), r(im.shape[2] - side + 1)
        c = ae_model.to_float(im[:, y:y + side, x:x + side])
        out.append(c.flip(2) if r(2) else c)
    x = torch.stack(out)
    gain = 1 + 0.2 * (torch.rand(n, 1, 1, 1, generator=gen) - 0.5)
    tint = 1 + 0.1 * (torch.rand(n, 3, 1, 1, generator=gen) - 0.5)
    return ((x + 1) * gain * tint - 1).clamp_(-1, 1).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def psnr(ae, pyr, n_per=3):
    """Mean PSNR in dB at 256 px: windows of each photograph at three scales."""
    total, count = 0, 0
    for levels in pyr:
        for k, im in enumerate((levels[0], levels[2], levels[4])):
            x0 = (im.shape[2] - 256) * (k + 1) // 4
            y0 = (im.shape[1] - 256) // 2
            x = ae_model.to_float(im[None, :, y0:y0 + 256, x0:x0 + 256])
            y = ae.decode(ae.encode(x).latent_dist.mean).sample.clamp(-1, 1)
            total += -10 * math.log10(float((x - y).square().mean()) / 4)
            count += 1
    return total / count


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--minutes", type=float, default=30)
    ap.add_argument("--batch", type=int, default=8)
    ap.add_argument("--side", type=int, default=128)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--decoder-only", action="store_true")
    ap.add_argument("--compile", action="store_true")
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    gen = torch.Generator().manual_seed(1)
    ckpt = data.WORK / "ae.pt"

    photos, _ = data.photographs()
    train = ae_model.pyramids([p for p in photos if not p["held_out"]])
    held = ae_model.pyramids([p for p in photos if p["held_out"]])
    ae = ae_model.new_autoencoder()
    print(f"{sum(p.numel() for p in ae.parameters()) / 1e6:.2f} M parameters, {len(train)} photographs, {len(held)} held out")
    ae_model.start_from_means(ae)
    step = 0
    if ckpt.exists():
        state = torch.load(ckpt, weights_only=True)
        ae.load_state_dict(state["ae"])
        step = state["step"]
        gen.manual_seed(1 + step)
    ae = ae.to(memory_format=torch.channels_last)
    if a.decoder_only:
        ae.encoder.requires_grad_(False)
        ae.quant_conv.requires_grad_(False)
    params = [p for p in ae.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, lr=a.lr, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    ema = ae_model.Ema(params, 0.995)
    encode, decode = ae.encoder, ae.decoder
    if a.compile:
        encode, decode = torch.compile(ae.encoder), torch.compile(ae.decoder)

    print(f"step {step} held-out PSNR {psnr(ae, held):.2f} dB", flush=True)
    began = last = time.time()
    paused = 0
    mean = None
    first = step
    saved = began
    while True:
        t = time.time()
        ae_model.wait_while_quiet()
        paused += time.time() - t
        done = (time.time() - began - paused) / (60 * a.minutes)
        if done >= 1:
            break
        lr = a.lr * min(1, (step - first + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for g in opt.param_groups:
            g["lr"] = lr
        x = batch_of(train, a.batch, a.side, gen)
        if a.decoder_only:
            with torch.no_grad():
                moments = ae.quant_conv(encode(x))
        else:
            moments = ae.quant_conv(encode(x))
        mu, logvar = moments.chunk(2, dim=1)
        logvar = logvar.clamp(-12, 4)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean()
        # One step in four the latent is halved and must decode to the halved picture: a latent space that
        # keeps to scale is smoother, and a small denoiser learns it sooner.
        if step % 4 == 3 and not a.decoder_only:
            z = F.interpolate(z, scale_factor=0.5, mode="area")
            x = F.interpolate(x, scale_factor=0.5, mode="area")
        y = decode(ae.post_quant_conv(z))
        l1 = (y - x).abs().mean()
        loss = l1 + (y - x).square().mean() + 0.5 * gradient_loss(y, x) + 1e-5 * kl
        opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
        if torch.isfinite(norm):
            opt.step()
        ema.update()
        step += 1
        now_l1 = l1.item()
        mean = now_l1 if mean is None else 0.98 * mean + 0.02 * now_l1
        if step % 50 == 0:
            now = time.time()
            print(f"step {step} {done:.2f} l1 {mean:.4f} loss {loss.item():.4f} kl {kl.item():.2f} "
                  f"std {mu.detach().std():.2f} lr {lr:.1e} {(now - last) / 50:.2f} s/step", flush=True)
            last = now
        if time.time() - saved > 300:
            ema.swap()
            print(f"step {step} held-out PSNR {psnr(ae, held):.2f} dB", flush=True)
            save(ae, step, ckpt)
            ema.swap()
            saved = last = time.time()
    ema.swap()
    print(f"step {step} held-out PSNR {psnr(ae, held):.2f} dB, train {psnr(ae, train[:20]):.2f} dB", flush=True)
    save(ae, step, ckpt)


def save(ae, step, ckpt):
    tmp = ckpt.with_suffix(".tmp")
    torch.save({"ae": ae.state_dict(), "step": step}, tmp)
    tmp.rename(ckpt)


if __name__ == "__main__":
    main()
