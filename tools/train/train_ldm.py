# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains UNet and text encoder together on cached latents. Writes WORK/ldm.pt, and goes on from it with --resume."""
import argparse
import os
import time

import torch

import ae_model
import data
import ldm


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--minutes", type=float, default=6000, help="at most")
    ap.add_argument("--steps", type=int, default=12000)
    ap.add_argument("--batch", type=int, default=256, help="windows of 32x32 cells; of larger ones as many fewer")
    ap.add_argument("--lr", type=float, default=8e-4)
    ap.add_argument("--dropout", type=float, default=0.05)
    ap.add_argument("--ema", type=float, default=0.9995)
    ap.add_argument("--every", type=int, default=1000, help="steps between checkpoints")
    ap.add_argument("--workers", type=int, default=min(12, max(1, (os.cpu_count() or 1) - 2)))
    ap.add_argument("--resume", action="store_true")
    a = ap.parse_args()
    dev = ae_model.device()
    torch.backends.cudnn.benchmark = True
    ckpt = data.WORK / "ldm.pt"
    tok = ldm.tokenizer()
    maps = torch.load(data.WORK / "latents.pt", weights_only=True)
    latents = ldm.Latents(maps, dev)
    for m in maps:
        del m["latent"]  # the workers need only sizes and colours
    torch.manual_seed(2)
    unet = ldm.new_unet(a.dropout).to(dev, memory_format=torch.channels_last).train()
    text = ldm.new_text_encoder(len(tok)).to(dev)
    params = [*unet.parameters(), *text.parameters()]
    print(f"UNet {sum(p.numel() for p in unet.parameters()) / 1e6:.2f} M, text "
          f"{sum(p.numel() for p in text.parameters()) / 1e6:.2f} M, on {dev.type}", flush=True)
    opt = torch.optim.AdamW(params, lr=a.lr, betas=(0.9, 0.99), weight_decay=0.01, fused=dev.type == "cuda")
    ema = ae_model.Ema(params, a.ema)
    first = 0
    if a.resume and ckpt.exists():
        state = torch.load(ckpt, weights_only=True, map_location=dev)
        unet.load_state_dict(state["unet"])
        text.load_state_dict(state["text"])
        ema.mean, ema.n, first = state["ema"], state["ema_n"], state["step"]
        print("goes on from step", first)
    torch.manual_seed(2 + first)
    alphas = ldm.scheduler().alphas_cumprod.to(dev)

    def loss_of(z, ids, t, e):
        s = alphas[t].view(-1, 1, 1, 1)
        x = s.sqrt() * z + (1 - s).sqrt() * e
        v = s.sqrt() * e - (1 - s).sqrt() * z
        with ae_model.low_precision(dev):
            context = text(ids).last_hidden_state
            out = unet(x.contiguous(memory_format=torch.channels_last), t, context).sample
        return (out.float() - v).square().mean((1, 2, 3))

    # What it makes of photographs never seen: always the same windows, noise and times.
    draw = torch.Generator().manual_seed(5)
    held = []
    windows = ldm.Windows(maps, 1, held_out=True)
    for _ in range(8):
        index, texts = windows.draw(32)
        z = latents.cut(index, 32, 32)
        held.append((z, ldm.tokens_of(tok, texts).to(dev), (torch.arange(32) * 31 + 15).to(dev),
                     torch.randn(z.shape, generator=draw).to(dev)))

    @torch.no_grad()
    def save(step):
        ema.swap()
        unet.eval()
        loss = sum(loss_of(*h).mean().item() for h in held) / len(held)
        unet.train()
        ema.swap()
        print(f"step {step} held-out loss of the mean weights {loss:.4f}", flush=True)
        tmp = ckpt.with_suffix(".tmp")
        torch.save({"unet": unet.state_dict(), "text": text.state_dict(),
                    "ema": [m.cpu() for m in ema.mean], "ema_n": ema.n, "step": step}, tmp)
        tmp.rename(ckpt)

    stream = torch.utils.data.DataLoader(ldm.Stream(maps, tok, a.batch, 2 + first), batch_size=None, num_workers=a.workers,
                                         prefetch_factor=8, pin_memory=dev.type == "cuda")
    step, began, said, total, norm = first, time.time(), time.time(), 0.0, 0.0
    for (h, w), index, ids in stream:
        done = ae_model.progress(step - first, a.steps, began, a.minutes)
        if done >= 1:
            break
        lr = ae_model.learning_rate(a.lr, step - first, done, warm=300)
        for g in opt.param_groups:
            g["lr"] = lr
        z = latents.cut(index, h, w)
        n = len(z)
        # One time in each of n equal stretches: the whole range in every batch.
        t = ((torch.rand(1) + torch.randperm(n)) / n % 1 * 1000).long().clamp(max=999).to(dev)
        loss = loss_of(z, ids.to(dev), t, torch.randn_like(z)).mean()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
        if torch.isfinite(norm):
            opt.step()
        ema.update()
        step += 1
        total = total + loss.detach()
        if (step - first) % 100 == 0:
            now = time.time()
            print(f"step {step} {done:.3f} loss {float(total) / 100:.4f} norm {float(norm):.2f} lr {lr:.1e} "
                  f"{(now - said) / 100:.3f} s/step", flush=True)
            total, said = 0.0, now
        if (step - first) % a.every == 0:
            save(step)
    save(step)


if __name__ == "__main__":
    main()
