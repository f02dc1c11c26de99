# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains Horizon's instance addition; the model itself stays as it is. Needs models/horizon and the file that
`instance_data.py PACK` wrote, nothing else. Goes on from OUT/state.pt when it is there.

What is learnt is to paint in each place what the model itself would paint there, were it asked for nothing else: it
knows a forest, only not yet where. Of that the noise of photographs is no part, so it takes a fraction of the steps.
"""
import argparse
import math
import random
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

import ae_model
import instance_data
import instance_model

ROOT = Path(__file__).resolve().parents[2]


class SceneSet(torch.utils.data.IterableDataset):
    """Endless batches; each worker draws its own."""

    def __init__(self, pack, batch, seed):
        self.pack, self.batch, self.seed = pack, batch, seed

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        scenes = instance_data.Scenes(self.pack, self.seed * 1000 + (info.id if info else 0))
        while True:
            yield scenes.draw(self.batch)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("pack")
    ap.add_argument("out", type=Path)
    ap.add_argument("--model", type=Path, default=ROOT / "models/horizon")
    ap.add_argument("--minutes", type=float, default=20)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--lr", type=float, default=3e-4)
    ap.add_argument("--workers", type=int, default=8)
    ap.add_argument("--every", type=float, default=3, help="minutes between checkpoints")
    ap.add_argument("--start", type=Path, help="another's state.pt to begin with")
    ap.add_argument("--own", type=float, default=1, help="share of the model's own answer in what is learnt")
    ap.add_argument("--guide", type=float, default=1.5, help="times what it says of a region beyond what of the whole")
    ap.add_argument("--head-start", type=float, default=3, help="what instances score more at first")
    ap.add_argument("--warm", type=int, default=100, help="steps in which the learning rate rises")
    ap.add_argument("--least", type=float, default=200, help="of the thousand noise levels, the lowest that is learnt from")
    ap.add_argument("--trunk", type=int, default=1, help="0: the masks' network stays as it is")
    ap.add_argument("--print", type=int, default=50, help="steps between lines")
    ap.add_argument("--weight", type=float, default=8, help="of a cell where an instance lies; of others 1")
    ap.add_argument("--pool", type=int, default=0, help="learn from so many scenes, kept in OUT/pool.pt: without a card")
    a = ap.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    device = ae_model.device()
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    tok = CLIPTokenizer.from_pretrained(a.model / "tokenizer")
    text = CLIPTextModel.from_pretrained(a.model / "text_encoder", torch_dtype=torch.float32).to(device).eval()
    vae = AutoencoderKL.from_pretrained(a.model / "vae", torch_dtype=torch.float32)
    vae = vae.to(device, memory_format=torch.channels_last).eval()
    unet = UNet2DConditionModel.from_pretrained(a.model / "unet", torch_dtype=torch.float32).requires_grad_(False)
    instance_model.add(unet)
    unet.instance_config["names"] = list(instance_data.NAMES)
    # The gates begin at zero and hold back all that is behind them: they learn faster.
    gates = [p for n, p in unet.named_parameters() if instance_model.is_gate(n)]
    rest = [p for n, p in unet.named_parameters() if instance_model.is_ours(n) and not instance_model.is_gate(n)]
    params = gates + rest
    if not a.trunk:
        unet.position_net.in_conv.requires_grad_(False)
        unet.position_net.convnext_tiny_backbone.requires_grad_(False)
    unet = unet.to(device, memory_format=torch.channels_last)
    scheduler = DDIMScheduler.from_pretrained(a.model / "scheduler")
    alphas = scheduler.alphas_cumprod.to(device)
    opt = torch.optim.AdamW([dict(params=gates, rate=10 * a.lr, weight_decay=0), dict(params=rest, rate=a.lr)],
                            lr=a.lr, betas=(0.9, 0.99), weight_decay=0.01)
    mean = [p.detach().clone() for p in params]
    step, state = 0, a.out / "state.pt"
    if state.exists():
        s = torch.load(state, map_location=device, weights_only=True)
        unet.load_state_dict(s["unet"], strict=False)
        opt.load_state_dict(s["opt"])
        mean, step = s["mean"], s["step"]
        print("goes on from step", step)
    print(f"{sum(p.numel() for p in params) / 1e6:.2f} M to train on {device.type}", flush=True)

    @torch.no_grad()
    def encode(texts):
        ids = tok(texts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        return text(ids.to(device))

    pooled = {}

    def names_of(names):
        new = sorted({n for row in names for n in row} - set(pooled))
        if new:
            pooled.update(zip(new, encode(new).pooler_output))
        out = torch.zeros(len(names), unet.instance_config["slots"], unet.instance_config["text_width"], device=device)
        for i, row in enumerate(names):
            for k, n in enumerate(row[:out.shape[1]]):
                out[i, k] = pooled[n]
        return out

    if not state.exists():
        if a.start:
            unet.load_state_dict(torch.load(a.start, map_location=device, weights_only=True)["unet"], strict=False)
        unet.position_net.tell_apart(encode(sorted(instance_data.WORDS)).pooler_output)
        mean = [p.detach().clone() for p in params]

    contexts = {}

    def context_of(texts):
        new = sorted(set(texts) - set(contexts))
        if new:
            contexts.update(zip(new, encode(new).last_hidden_state))
        return torch.stack([contexts[t] for t in texts])

    @torch.no_grad()
    def own_answer(x, t, captions, names, masks):
        """What the model, told of no places, says of each region when it is asked for that alone, and of the rest."""
        rows = [(i, captions[i], None) for i in range(len(x))]
        rows += [(i, instance_data.alone(text), masks[i, k]) for i, row in enumerate(names) for k, text in enumerate(row)
                 if masks[i, k].any()]
        at = torch.tensor([r[0] for r in rows], device=device)
        unet.grounded = False
        says = unet(x[at].contiguous(memory_format=torch.channels_last), t[at], context_of([r[1] for r in rows])).sample
        unet.grounded = True
        out = says[:len(x)].float()
        for (i, _, mask), v in zip(rows[len(x):], says[len(x):].float()):
            out[i] += a.guide * mask * (v - says[i])
        return out

    def save():
        for p, m in zip(params, mean):
            p.data, m.data = m.data, p.data
        instance_model.save(unet, a.out / "instance")
        for p, m in zip(params, mean):
            p.data, m.data = m.data, p.data
        tmp = state.with_suffix(".tmp")
        torch.save({"unet": {n: p for n, p in unet.state_dict().items() if instance_model.is_ours(n)},
                    "opt": opt.state_dict(), "mean": mean, "step": step}, tmp)
        tmp.rename(state)

    @torch.no_grad()
    def latents_of(pictures):
        with ae_model.low_precision(device):
            z = vae.encode(pictures.to(device, memory_format=torch.channels_last)).latent_dist.mean
        return z.float() * vae.config.scaling_factor

    if a.pool:
        file = a.out / "pool.pt"
        if not file.exists():
            torch.save(instance_data.Pool(instance_data.Scenes(a.pack, 1), a.pool, latents_of), file)
        pool = torch.load(file, weights_only=False)  # our own
        pool.scenes.rng.seed(step)
        batches = iter(lambda: pool.draw(a.batch), None)
    else:
        loader = torch.utils.data.DataLoader(SceneSet(a.pack, a.batch, step + 1), batch_size=None,
                                             num_workers=a.workers, prefetch_factor=4 if a.workers else None)
        batches = ((latents_of(pictures), *rest) for pictures, *rest in loader)
    torch.manual_seed(step)
    began = saved = last = time.time()
    first, average = step, None
    for z, captions, names, batch in batches:
        done = (time.time() - began) / (60 * a.minutes)
        if done >= 1:
            break
        z = z.to(device)
        n = len(z)
        # A tenth of the pictures as the unconditional pass sees them: nothing is told, of words or of places.
        blank = torch.rand(n) < 0.1
        captions = ["" if b else c for b, c in zip(blank, captions)]
        names = [[] if b else row for b, row in zip(blank, names)]
        context = context_of(captions)
        batch = {k: v.to(device) for k, v in batch.items()}
        # Some say that nothing else is there, as the model's own captions may.
        batch["text"] = names_of([[instance_data.alone(n) if random.random() < 0.3 else n for n in row] for row in names])
        for k in ("used", "box", "point", "scribble", "polygon", "segmentation"):
            batch[k][blank] = 0
        e = torch.randn_like(z)
        # Where things are is settled early: noisy steps are drawn more often, and the last fifth, where the fusers are
        # off by default, not at all.
        t = (1000 - (1000 - a.least) * torch.rand(n, device=device) ** 1.5).long().clamp(max=999)
        s = alphas[t].view(-1, 1, 1, 1)
        x, v = s.sqrt() * z + (1 - s).sqrt() * e, s.sqrt() * e - (1 - s).sqrt() * z
        # What to paint is learnt while instances are hard to overlook, to look for them after that.
        unet.position_net.head_start = max(0, a.head_start * (1 - done / 0.6))
        cells = torch.nn.functional.interpolate(batch["segmentation"], size=x.shape[-2:], mode="area")
        with ae_model.low_precision(device):
            if a.own:
                ground = [c.split(", ")[0] for c in captions]  # regions' names may follow
                v = v + a.own * (own_answer(x, t, ground, names, cells) - v)
            out = unet(x.contiguous(memory_format=torch.channels_last), t, context,
                       cross_attention_kwargs={"gligen": batch}).sample
        error = (out.float() - v).square().mean(1)
        # Cells of instances count more: they are few, and the others the model knows already.
        seen = cells.sum(1).clamp(max=1)
        weight = 1 + (a.weight - 1) * seen
        loss = (error * weight).sum() / weight.sum()
        for g in opt.param_groups:
            g["lr"] = g["rate"] * min(1, (step - first + 1) / a.warm) * (0.05 + 0.475 * (1 + math.cos(math.pi * done)))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(params, 1.0)):
            opt.step()
        step += 1
        with torch.no_grad():
            torch._foreach_lerp_(mean, [p.detach() for p in params], max(1 / (step - first + 1), 0.01))
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % a.print == 0:
            print(f"step {step} {done:.3f} loss {average:.4f} {(time.time() - last) / a.print:.3f} s/step, {time.process_time():.0f} s of processor", flush=True)
            last = time.time()
        if time.time() - saved > 60 * a.every:
            save()
            saved = time.time()
    save()


if __name__ == "__main__":
    main()
