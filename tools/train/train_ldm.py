# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains UNet and text encoder together on cached latents. Goes on from WORK/ldm.pt when it is there."""
import argparse
import math
import time

import torch

import ae_model
import data
import ldm


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--minutes", type=float, default=60, help="wall clock, without pauses")
    ap.add_argument("--batch", type=int, default=16)
    ap.add_argument("--lr", type=float, default=8e-4)
    ap.add_argument("--coarse", type=float, default=0,
                    help="share of the time, at the start, spent on 16x16 windows of halved photographs: a quarter of the cost")
    ap.add_argument("--end", type=float, default=0.05, help="the learning rate's last share")
    ap.add_argument("--ema", type=float, default=0.999)
    ap.add_argument("--every", type=float, default=5, help="minutes between checkpoints")
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    ckpt = data.WORK / "ldm.pt"
    tok = ldm.tokenizer()
    torch.manual_seed(2)
    unet = ldm.new_unet().to(memory_format=torch.channels_last)
    text = ldm.new_text_encoder(len(tok))
    params = [*unet.parameters(), *text.parameters()]
    print(f"UNet {sum(p.numel() for p in unet.parameters()) / 1e6:.2f} M, text {sum(p.numel() for p in text.parameters()) / 1e6:.2f} M")
    opt = torch.optim.AdamW(params, lr=a.lr, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    ema = ae_model.Ema(params, a.ema)
    step = 0
    if ckpt.exists():
        state = torch.load(ckpt, weights_only=True)
        unet.load_state_dict(state["unet"])
        text.load_state_dict(state["text"])
        opt.load_state_dict(state["opt"])
        ema.mean, ema.n, step = state["ema"], state["ema_n"], state["step"]
        print("goes on from step", step)
    torch.manual_seed(2 + step)
    batches = ldm.Batches(2 + step)
    held = ldm.Batches(1, held_out=True)
    alphas = ldm.scheduler().alphas_cumprod

    def loss_of(z, texts, drop, t):
        ids = ldm.tokens_of(tok, ["" if d else s for s, d in zip(texts, drop)])
        context = text(ids).last_hidden_state
        e = torch.randn_like(z)
        s = alphas[t].view(-1, 1, 1, 1)
        x = s.sqrt() * z + (1 - s).sqrt() * e
        v = s.sqrt() * e - (1 - s).sqrt() * z
        return (unet(x.contiguous(memory_format=torch.channels_last), t, context).sample - v).square().mean((1, 2, 3))

    @torch.no_grad()
    def held_out_loss():
        state = torch.get_rng_state()
        torch.manual_seed(5)
        held.rng.seed(5)
        total = 0
        for _ in range(4):
            z, texts = held.draw(16)
            total += loss_of(z, texts, [False] * 16, torch.arange(16) * 62 + 31).mean().item()
        torch.set_rng_state(state)
        return total / 4

    def save():
        ema.swap()
        print(f"step {step} held-out loss of the mean weights {held_out_loss():.4f}", flush=True)
        ema.swap()
        tmp = ckpt.with_suffix(".tmp")
        torch.save({"unet": unet.state_dict(), "text": text.state_dict(), "opt": opt.state_dict(),
                    "ema": ema.mean, "ema_n": ema.n, "step": step}, tmp)
        tmp.rename(ckpt)

    began = last = saved = time.time()
    paused, mean, first = 0, None, step
    while True:
        t0 = time.time()
        ae_model.wait_while_quiet()
        paused += time.time() - t0
        done = (time.time() - began - paused) / (60 * a.minutes)
        if done >= 1:
            break
        lr = a.lr * min(1, (step - first + 1) / 100) * (a.end + (1 - a.end) * 0.5 * (1 + math.cos(math.pi * done)))
        for g in opt.param_groups:
            g["lr"] = lr
        wide = step % 8 == 7
        side = 16 if done < a.coarse else 32
        n = (a.batch // 2 if wide else a.batch) * 32 // side
        z, texts = batches.draw(n, side, 2 * side if wide else side)
        # One time in each of n equal stretches: the whole range in every batch.
        t = ((torch.rand(1) + torch.randperm(n)) / n % 1 * 1000).long().clamp(max=999)
        drop = (torch.rand(n) < 0.1).tolist()
        loss = loss_of(z, texts, drop, t).mean()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
        if torch.isfinite(norm):
            opt.step()
        ema.update()
        step += 1
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0:
            now = time.time()
            print(f"step {step} {done:.3f} loss {mean:.4f} norm {norm:.2f} lr {lr:.1e} {(now - last) / 50:.3f} s/step", flush=True)
            last = now
        if time.time() - saved > 60 * a.every:
            save()
            saved = last = time.time()
    save()


if __name__ == "__main__":
    main()
