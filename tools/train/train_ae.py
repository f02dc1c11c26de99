# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the autoencoder. Writes WORK/ae.pt.

First on differences alone; in the last part (--sharp of the time) the encoder stands still and the decoder learns
to deal with a diffusion model's latents: they get a little noise, they come from inside a larger window, since a
painted picture's latents do not know of its edges, and a patch discriminator asks for texture. --resume --sharp 1
trains this part again; the latent space, and so a diffusion model trained on it, stays as it is.
"""
import argparse
import math
import time

import torch
import torch.nn.functional as F

import ae_model
import data
from judge import Judge


def gradient_loss(a, b):
    """L1 of horizontal and vertical differences at three scales."""
    loss = 0
    for _ in range(3):
        loss = loss + (a.diff(dim=2) - b.diff(dim=2)).abs().mean() + (a.diff(dim=3) - b.diff(dim=3)).abs().mean()
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return loss


class Crops:
    """Windows of the photographs at every level of their pyramids, mirrored and tinted at random."""

    def __init__(self, pyr, dev, seed):
        self.levels = [[im.to(dev) for im in levels] for levels in pyr]
        self.gen = torch.Generator().manual_seed(seed)
        self.dev = dev

    def draw(self, n, side):
        r = lambda k: int(torch.randint(k, (1,), generator=self.gen))
        out = []
        for _ in range(n):
            levels = self.levels[r(len(self.levels))]
            im = levels[r(len(levels))]
            y, x = r(im.shape[1] - side + 1), r(im.shape[2] - side + 1)
            c = im[:, y:y + side, x:x + side]
            out.append(c.flip(2) if r(2) else c)
        x = ae_model.to_float(torch.stack(out))
        gain = 1 + 0.2 * (torch.rand(n, 1, 1, 1, generator=self.gen) - 0.5)
        tint = 1 + 0.1 * (torch.rand(n, 3, 1, 1, generator=self.gen) - 0.5)
        x = (x + 1) * (gain * tint).to(self.dev) - 1
        return x.clamp_(-1, 1).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def psnr(ae, pyr):
    """Mean PSNR in dB at 256 px: windows of each photograph at three scales."""
    dev = next(ae.parameters()).device
    total, count = 0, 0
    for levels in pyr:
        for k, im in enumerate((levels[0], levels[2], levels[4])):
            x0 = (im.shape[2] - 256) * (k + 1) // 4
            y0 = (im.shape[1] - 256) // 2
            x = ae_model.to_float(im[None, :, y0:y0 + 256, x0:x0 + 256].to(dev))
            y = ae.decode(ae.encode(x).latent_dist.mean).sample.clamp(-1, 1)
            total += -10 * math.log10(float((x - y).square().mean()) / 4)
            count += 1
    return total / count


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--minutes", type=float, default=600, help="at most")
    ap.add_argument("--steps", type=int, default=5000)
    ap.add_argument("--batch", type=int, default=48)
    ap.add_argument("--side", type=int, default=192)
    ap.add_argument("--lr", type=float, default=1.5e-3)
    ap.add_argument("--sharp", type=float, default=0.4, help="share of the training with the discriminator")
    ap.add_argument("--resume", action="store_true", help="go on from WORK/ae.pt")
    ap.add_argument("--every", type=int, default=100)
    a = ap.parse_args()
    torch.manual_seed(1)
    dev = ae_model.device()
    torch.backends.cudnn.benchmark = True
    photos, _ = data.photographs()
    pyr = ae_model.pyramids(photos)
    crops = Crops([l for p, l in zip(photos, pyr) if not p["held_out"]], dev, 1)
    held = [l for p, l in zip(photos, pyr) if p["held_out"]]
    ae = ae_model.new_autoencoder()
    state = {"step": 0}
    if a.resume:
        state = torch.load(data.WORK / "ae.pt", weights_only=True)
        ae.load_state_dict(state["ae"])
    else:
        ae_model.start_from_means(ae)
    ae = ae.to(dev, memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in ae.parameters()) / 1e6:.2f} M parameters, {len(crops.levels)} photographs, "
          f"{len(held)} held out, on {dev.type}; held-out PSNR {psnr(ae, held):.2f} dB", flush=True)
    encoder = [*ae.encoder.parameters(), *ae.quant_conv.parameters()]
    params = list(ae.parameters())
    opt = torch.optim.AdamW(params, lr=a.lr, betas=(0.9, 0.99), weight_decay=1e-4, fused=dev.type == "cuda")
    ema = ae_model.Ema(params, 0.998)
    judge = Judge(dev)
    last = ae.decoder.conv_out.weight
    step, first, began, said, mean, sharp = 0, 0, time.time(), time.time(), None, False
    while True:
        done = ae_model.progress(step, a.steps, began, a.minutes)
        if done >= 1:
            break
        if done >= 1 - a.sharp and not sharp:
            sharp = True
            ema.swap()
            print(f"step {step} held-out PSNR {psnr(ae, held):.2f} dB; now with the discriminator", flush=True)
            for p in encoder:
                p.requires_grad_(False)
            first = step
        # The rate falls once to the end of the first part, and once more, from a lower top, in the second.
        part = done / (1 - a.sharp) if not sharp else (done - 1 + a.sharp) / a.sharp
        lr = ae_model.learning_rate(a.lr if not sharp else a.lr / 4, step - first, part)
        for g in opt.param_groups:
            g["lr"] = lr
        # Three times in four the latents of a window are cut out of a larger one's.
        rim = 4 if sharp and step % 4 else 0
        x = crops.draw(a.batch, a.side + 16 * rim)
        with ae_model.low_precision(dev):
            with torch.set_grad_enabled(not sharp):
                moments = ae.quant_conv(ae.encoder(x)).float()
            mu, logvar = moments.chunk(2, dim=1)
            logvar = logvar.clamp(-12, 4)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean()
            if sharp:
                if rim:
                    z, x = z[..., rim:-rim, rim:-rim], x[..., 8 * rim:-8 * rim, 8 * rim:-8 * rim]
                z = z + 0.06 * mu.std((0, 2, 3), keepdim=True) * torch.rand(len(z), 1, 1, 1, device=dev) * torch.randn_like(z)
            # One step in four the latent is halved and must decode to the halved picture: a latent space that
            # keeps to scale is smoother, and a small denoiser learns it sooner.
            elif step % 4 == 3:
                z = F.interpolate(z, scale_factor=0.5, mode="area")
                x = F.interpolate(x, scale_factor=0.5, mode="area")
            y = ae.decoder(ae.post_quant_conv(z))
        y = y.float()
        l1 = (y - x).abs().mean()
        loss = l1 + (y - x).square().mean() + 0.5 * gradient_loss(y, x) + 2e-5 * kl
        note = ""
        if sharp:
            loss = judge.ask(loss, y, x, last)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for p in params if p.requires_grad], 1.0)
        if torch.isfinite(norm):
            opt.step()
        ema.update()
        if sharp:
            judge.learn(y, x)
            note = f" judge {judge.loss:.2f} weight {judge.weight:.3f}"
        step += 1
        if step % a.every == 0:
            mean = l1.item() if mean is None else 0.7 * mean + 0.3 * l1.item()
            now = time.time()
            print(f"step {step} {done:.2f} l1 {mean:.4f} kl {float(kl):.2f} norm {float(norm):.2f} lr {lr:.1e}"
                  f"{note} {(now - said) / a.every:.3f} s/step", flush=True)
            said = now
    ema.swap()
    print(f"step {step} held-out PSNR {psnr(ae, held):.2f} dB, train {psnr(ae, pyr[:20]):.2f} dB", flush=True)
    state.update(ae={k: v.cpu() for k, v in ae.state_dict().items()}, step=state["step"] + step)
    torch.save(state, data.WORK / "ae.pt")


if __name__ == "__main__":
    main()
