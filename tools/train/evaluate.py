# SPDX-License-Identifier: GPL-3.0-or-later
"""Every figure that docs/horizon.md names, and the sheets, from models/horizon and the photographs.

--pictures DIR measures pictures made elsewhere (by tessera-run), named CLASS-anything.png, in place of
those that the reference pipeline makes here.
"""
import argparse
import math
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DConditionModel, AutoencoderKL
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer

import ae_model
import captions
import data
import ldm
from train_ae import psnr

SIDE = 64  # the classifier sees a 256 px window at this size


def classifier(n_classes=len(captions.PROMPTS)):
    def block(a, b, stride):
        return [torch.nn.Conv2d(a, b, 3, stride, 1, bias=False), torch.nn.BatchNorm2d(b), torch.nn.ReLU()]
    features = torch.nn.Sequential(*block(3, 32, 2), *block(32, 64, 2), *block(64, 96, 2), *block(96, 96, 1),
                                   *block(96, 128, 2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
                                   torch.nn.Linear(128, 64), torch.nn.ReLU())
    return torch.nn.Sequential(features, torch.nn.Dropout(0.3), torch.nn.Linear(64, n_classes))


class Crops:
    """Windows of photographs as the classifier sees them, with the class each shows."""

    def __init__(self, held_out, seed):
        self.rng = random.Random(seed)
        photos, _ = data.photographs()
        self.photos = [p for p in photos if p["held_out"] == held_out]
        self.pyr = ae_model.pyramids(self.photos, (64, 80, 128))
        self.by_class = {c: [i for i, p in enumerate(self.photos) if p["cls"] == c] for c in captions.PROMPTS}
        self.by_class["clouds"] = [i for i, p in enumerate(self.photos) if p["sky"] in ("clouds", "storm") and
                                   (p["cls"] == "clouds" or p["skyline"] > 0.43)]

    def one(self, cls):
        """As the diffusion model's crops are drawn: [3,SIDE,SIDE] in -1..1."""
        for _ in range(100):
            i = self.rng.choice(self.by_class[cls])
            p, im = self.photos[i], self.rng.choice(self.pyr[i])
            h = im.shape[1]
            y = 0 if cls == "clouds" else self.rng.randint(0, h - SIDE)
            shows = captions.class_of(p, y / h, (y + SIDE) / h)
            if shows == cls or (cls == "clouds" and p["cls"] == "clouds"):
                break
        x = self.rng.randint(0, im.shape[2] - SIDE)
        c = ae_model.to_float(im[:, y:y + SIDE, x:x + SIDE])
        return c.flip(2) if self.rng.random() < 0.5 else c

    def draw(self, n):
        labels = [self.rng.choice([k for k, c in enumerate(captions.PROMPTS) if self.by_class[c]]) for _ in range(n)]
        return torch.stack([self.one(captions.PROMPTS[k]) for k in labels]), torch.tensor(labels)


def soften(x, factors):
    """Each picture as if it had been a factor smaller, drawn of factors. Not one factor for a whole batch: its norms'
    running means would be of no factor, and the classifier blind for soft pictures."""
    drawn = torch.tensor(factors)[torch.randint(len(factors), (len(x),))].view(-1, 1, 1, 1)
    for k in set(factors) - {1}:
        small = F.interpolate(x, scale_factor=1 / k, mode="area")
        x = torch.where(drawn == k, F.interpolate(small, scale_factor=k, mode="bilinear"), x)
    return x


def train_classifier(train, steps, n_classes=len(captions.PROMPTS), factors=(1, 1, 2)):
    """factors: of softness that it is not to mind; a decoded latent is softer than a photograph."""
    torch.manual_seed(3)
    net = classifier(n_classes)
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 2e-3, steps)
    for _ in range(steps):
        x, y = train.draw(48)
        n = len(x)
        x = (x + 1) * (1 + 0.3 * (torch.rand(n, 1, 1, 1) - 0.5)) * (1 + 0.15 * (torch.rand(n, 3, 1, 1) - 0.5)) - 1
        loss = F.cross_entropy(net(soften(x, factors)), y, label_smoothing=0.1)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
    return net.eval()


def frechet(a, b):
    """Between two sets of features, [n,d] each: |m1-m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2)."""
    a, b = a.double(), b.double()
    ca, cb = torch.cov(a.T), torch.cov(b.T)
    eig = torch.linalg.eigvals(ca @ cb).real.clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + ca.trace() + cb.trace() - 2 * eig)


class Painter:
    def __init__(self, folder):
        kw = dict(torch_dtype=torch.float32)
        self.tok = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.text = CLIPTextModel.from_pretrained(folder / "text_encoder", **kw).eval()
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet", **kw).eval().to(memory_format=torch.channels_last)
        self.vae = AutoencoderKL.from_pretrained(folder / "vae", **kw).eval().to(memory_format=torch.channels_last)
        self.sched = DDIMScheduler.from_pretrained(folder / "scheduler")

    @torch.no_grad()
    def latents(self, prompts, seeds, guidance=4.0, steps=20, size=(32, 32)):
        """[n, c, h, w], as the decoder takes them"""
        ctx = self.text(ldm.tokens_of(self.tok, [*prompts, *[""] * len(prompts)])).last_hidden_state
        x = torch.cat([torch.randn(1, 4, *size, generator=torch.manual_seed(s)) for s in seeds])
        self.sched.set_timesteps(steps)
        for t in self.sched.timesteps:
            c, u = self.unet(torch.cat([x, x]).contiguous(memory_format=torch.channels_last), t, ctx).sample.chunk(2)
            x = self.sched.step(u + guidance * (c - u), t, x).prev_sample
        return x / self.vae.config.scaling_factor

    @torch.no_grad()
    def paint(self, *what, **how):
        """[n,3,8h,8w] in -1..1; arguments as of latents"""
        return torch.cat([self.vae.decode(z[None]).sample for z in self.latents(*what, **how)]).clamp(-1, 1)


def read_picture(path):
    return ae_model.to_float(torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1))


def to_image(x):
    return Image.fromarray(((x + 1) * 127.5).round().byte().permute(1, 2, 0).numpy())


def sheet(rows, path):
    h, w = rows[0][0].shape[1:]
    im = Image.new("RGB", (len(rows[0]) * w, len(rows) * h))
    for j, row in enumerate(rows):
        for i, x in enumerate(row):
            im.paste(to_image(x), (i * w, j * h))
    path.parent.mkdir(parents=True, exist_ok=True)
    im.save(path, quality=88)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", type=Path, default=data.ROOT / "models/horizon")
    ap.add_argument("--per-class", type=int, default=50)
    ap.add_argument("--guidance", type=float, default=4.0)
    ap.add_argument("--classifier-steps", type=int, default=1500)
    ap.add_argument("--docs", type=Path, default=data.ROOT / "docs/horizon")
    ap.add_argument("--pictures", type=Path)
    ap.add_argument("--only-sheets", action="store_true")
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    painter = Painter(a.model)

    if a.pictures:
        rows = [[read_picture(f) for f in sorted(a.pictures.glob(f"{c}-*.png"))[:4]] for c in captions.PROMPTS]
    else:
        rows = [list(painter.paint([c] * 4, [1, 2, 3, 4], a.guidance)) for c in captions.PROMPTS]
    sheet(rows, a.docs / "prompts.jpg")
    photos, _ = data.photographs()
    held = ae_model.pyramids([p for p in photos if p["held_out"]])
    with torch.no_grad():
        xs = [ae_model.to_float(levels[2][:, 72:328, 272:528]) for levels in held[:6]]
        ys = [painter.vae.decode(painter.vae.encode(x[None]).latent_dist.mean).sample[0].clamp(-1, 1) for x in xs]
    sheet([xs, ys], a.docs / "autoencoder.jpg")
    if a.only_sheets:
        return
    print(f"autoencoder: PSNR {psnr(painter.vae, held):.2f} dB on {len(held)} held-out photographs, 3 windows of 256 px each")

    train, test = Crops(False, 1), Crops(True, 2)
    net = train_classifier(train, a.classifier_steps)
    with torch.no_grad():
        x, y = test.draw(800)
        pred = net(x).argmax(1)
        per = [f"{c} {float((pred[y == k] == k).float().mean()):.0%}" for k, c in enumerate(captions.PROMPTS) if (y == k).any()]
        print(f"classifier: {float((pred == y).float().mean()):.1%} of 800 held-out windows; {', '.join(per)}")
        real = net[0](x)
        x2, y2 = train.draw(800)
        print(f"classifier: {float((net(x2).argmax(1) == y2).float().mean()):.1%} of 800 training windows")
        own = net[0](x2)

    made, labels = [], []
    for k, c in enumerate(captions.PROMPTS):
        if a.pictures:
            for f in sorted(a.pictures.glob(f"{c}-*.png")):
                made.append(read_picture(f))
                labels.append(k)
        else:
            for s in range(0, a.per_class, 10):
                n = min(10, a.per_class - s)
                made += painter.paint([c] * n, [100 + s + i for i in range(n)], a.guidance)
                labels += [k] * n
    made, labels = torch.stack([F.interpolate(m[None], size=(SIDE, SIDE), mode="area")[0] for m in made]), torch.tensor(labels)
    with torch.no_grad():
        pred = net(made).argmax(1)
        fake = net[0](made)
    per = []
    for k, c in enumerate(captions.PROMPTS):
        mine = pred[labels == k]
        wrong = [captions.PROMPTS[i] for i in mine[mine != k].tolist()]
        worst = max(set(wrong), key=wrong.count) if wrong else "-"
        per.append(f"{c} {float((mine == k).float().mean()):.0%} (else mostly {worst})")
    print(f"pictures: classifier agrees with {float((pred == labels).float().mean()):.1%} of {len(made)}; {'; '.join(per)}")
    print(f"Frechet distance in its features to held-out windows: pictures {frechet(fake, real):.2f}, training windows {frechet(own, real):.2f}; "
          f"pictures to training windows {frechet(fake, own):.2f}")

    # Does it copy? The nearest training window in pixels at 32x32, beside what a held-out window's is.
    def near(xs, bank):
        return torch.cdist(F.avg_pool2d(xs, 2).flatten(1), bank).min(1).values / math.sqrt(3 * 32 * 32)
    bank = torch.cat([train.draw(1000)[0] for _ in range(8)])
    bank = F.avg_pool2d(torch.cat([bank, bank.flip(3)]), 2).flatten(1)
    d_fake, d_real, d_own = near(made, bank), near(x, bank), near(train.draw(400)[0], bank)
    show = lambda d: f"median {float(d.median()):.3f}, 5 % {float(d.quantile(0.05)):.3f}"
    print(f"nearest of {len(bank)} training windows (rms in -1..1): pictures {show(d_fake)}; held-out windows {show(d_real)}; "
          f"other training windows {show(d_own)}")


if __name__ == "__main__":
    main()
