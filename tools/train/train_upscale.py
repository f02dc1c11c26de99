# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains what lets Horizon enlarge pictures, on what upscale_data.py made, a processor being enough:

    train_upscale.py structure --minutes 60    # encoder and modulations; the UNet stays as it is
    train_upscale.py paint                     # latents that these paint, for the decoder to see
    train_upscale.py fusion --cells 16         # the decoder's fusions; the VAE stays as it is
    train_upscale.py export models/horizon/upscaling

Each goes on from its state in WORK; chunks that were added meanwhile are taken in at every checkpoint. The fusions
learn from latents of the photographs, a little disturbed, until there are painted ones.
"""
import argparse
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

import ae_model
import data
import ldm
import upscale_data
import upscale_model
from judge import Judge
from train_ae import gradient_loss

CPU = torch.device("cpu")


class Pool:
    """The chunks on disk, by field; pixels stay there until they are cut."""

    def __init__(self, fields, held_out=False):
        self.fields, self.held_out, self.chunks = fields, held_out, {}
        self.look()

    def look(self):
        for path in sorted(upscale_data.POOL.glob("held.pt" if self.held_out else "[0-9]*.pt")):
            if path.name not in self.chunks:
                chunk = torch.load(path, mmap=True, weights_only=True)
                self.chunks[path.name] = {f: chunk[f] for f in self.fields}
            painted = path.with_suffix(".painted")
            if painted.exists():
                self.chunks[path.name]["painted"] = torch.load(painted, weights_only=True)

    def draw(self, n, cells, rng, painted=0.0):
        """n windows: (chunk, pair, y, x) in cells; a share of them from chunks that are painted, if any are."""
        r = lambda k: int(torch.randint(k, (1,), generator=rng))
        names, places = sorted(self.chunks), upscale_data.SIDE // 8 - cells + 1
        those = [m for m in names if "painted" in self.chunks[m]]
        out = []
        for i in range(n):
            mine = those if those and i < painted * n else names
            out.append((self.chunks[mine[r(len(mine))]], r(upscale_data.PER_CHUNK), r(places), r(places)))
        return out


def cut(rows, field, cells, scale=1):
    return torch.stack([c[field][i][:, scale * y:scale * (y + cells), scale * x:scale * (x + cells)]
                        for c, i, y, x in rows])


def fast(x):
    return x.contiguous(memory_format=torch.channels_last)


class Model:
    """Horizon, frozen, told nothing."""

    def __init__(self, folder):
        kw = dict(torch_dtype=torch.float32)
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet", **kw).eval().requires_grad_(False)
        self.vae = AutoencoderKL.from_pretrained(folder / "vae", **kw).eval().requires_grad_(False)
        self.unet, self.vae = (m.to(memory_format=torch.channels_last) for m in (self.unet, self.vae))
        text = CLIPTextModel.from_pretrained(folder / "text_encoder", **kw).eval()
        tok = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        with torch.no_grad():
            self.context = text(ldm.tokens_of(tok, [""])).last_hidden_state
        self.scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")
        self.alphas = self.scheduler.alphas_cumprod

    def noised(self, z, t, e):
        s = self.alphas[t].view(-1, 1, 1, 1)
        return s.sqrt() * z + (1 - s).sqrt() * e, s.sqrt() * e - (1 - s).sqrt() * z

    def velocity(self, x, t):
        return self.unet(fast(x), t, self.context.expand(len(x), -1, -1)).sample


class Training:
    """Weights with their running mean, optimiser, clock and state file."""

    def __init__(self, a, module, name, decay):
        self.a, self.params = a, [p for p in module.parameters() if p.requires_grad]
        self.opt = torch.optim.AdamW(self.params, lr=a.lr, betas=(0.9, 0.99), weight_decay=0.01)
        self.ema, self.path, self.step = ae_model.Ema(self.params, decay), data.WORK / f"upscale-{name}.pt", 0
        self.module = module
        self.fresh = not self.path.exists()
        if not self.fresh:
            s = torch.load(self.path, weights_only=True)
            module.load_state_dict(s["module"])
            self.opt.load_state_dict(s["opt"])
            self.ema.mean, self.ema.n, self.step = s["mean"], s["n"], s["step"]
            print("goes on from step", self.step)
        self.first, self.began, self.saved, self.mean = self.step, time.time(), time.time(), None
        print(f"{sum(p.numel() for p in self.params) / 1e6:.2f} M to train", flush=True)

    @property
    def done(self):
        return (time.time() - self.began) / (60 * self.a.minutes)

    def update(self, loss):
        lr = ae_model.learning_rate(self.a.lr, self.step - self.first, self.done, warm=100)
        for g in self.opt.param_groups:
            g["lr"] = lr
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        if torch.isfinite(norm):
            self.opt.step()
        self.ema.update()
        self.step += 1
        self.mean = loss.item() if self.mean is None else 0.97 * self.mean + 0.03 * loss.item()
        if self.step % 20 == 0:
            print(f"step {self.step} {self.done:.3f} loss {self.mean:.4f} norm {float(norm):.2f} lr {lr:.1e} "
                  f"{(time.time() - self.began) / (self.step - self.first):.2f} s/step", flush=True)

    def due(self):
        return time.time() - self.saved > 60 * self.a.every

    @torch.no_grad()
    def save(self, measure):
        self.ema.swap()
        print(f"step {self.step} held out: {measure()}", flush=True)
        self.ema.swap()
        tmp = self.path.with_suffix(".tmp")
        torch.save(dict(module=self.module.state_dict(), opt=self.opt.state_dict(), mean=self.ema.mean, n=self.ema.n,
                        step=self.step), tmp)
        tmp.rename(self.path)
        self.saved = time.time()


def mean_weights(module, name):
    s = torch.load(data.WORK / f"upscale-{name}.pt", weights_only=True)
    module.load_state_dict(s["module"])
    for p, m in zip((p for p in module.parameters() if p.requires_grad), s["mean"]):
        p.data.copy_(m)
    return s["step"]


def train_structure(a, model):
    parts = upscale_model.Parts(model.unet).to(memory_format=torch.channels_last)
    pool, held = Pool(("z", "z_small")), Pool(("z", "z_small"), True)
    run = Training(a, parts, "structure", 0.995)
    rng = torch.Generator().manual_seed(1 + run.step)

    def loss_of(z, z_small, t, e):
        x, v = model.noised(z, t, e)
        with ae_model.low_precision(CPU):
            parts.look(fast(z_small), t)
            out = model.velocity(x, t)
        return (out.float() - v).square().mean((1, 2, 3))

    # Always the same windows, noise and times.
    fixed = torch.Generator().manual_seed(5)
    rows = held.draw(48, a.cells, fixed)
    sure = [cut(rows, f, a.cells).float() for f in ("z", "z_small")]
    sure += [torch.arange(48) * 1000 // 48 + 10, torch.randn(sure[0].shape, generator=fixed)]

    def measure():
        with torch.no_grad():
            loss = torch.cat([loss_of(*(s[i:i + 16] for s in sure)) for i in range(0, 48, 16)])
        return " ".join(f"{float(l):.4f}" for l in (loss.mean(), *loss.view(4, 12).mean(1)))

    def begin_encoder():
        """The encoder alone, which is a third of the work: its maps learn to hold the latent that is looked for."""
        width = parts.config["map_channels"]
        heads = torch.nn.ModuleList(torch.nn.Conv2d(width, 4, 1) for _ in parts.config["channels"])
        params = [*parts.encoder.parameters(), *heads.parameters()]
        opt = torch.optim.AdamW(params, lr=a.lr, betas=(0.9, 0.99), weight_decay=0.01)
        for step in range(a.alone):
            rows = pool.draw(a.batch, a.cells, rng)
            z, z_small = (cut(rows, f, a.cells).float() for f in ("z", "z_small"))
            with ae_model.low_precision(CPU):
                maps = parts.encoder(fast(z_small), torch.randint(1000, (len(z),), generator=rng))
            losses = [(head(m.float()) + F.avg_pool2d(z_small - z, 2 ** i)).square().mean()
                      for i, (head, m) in enumerate(zip(heads, maps))]
            for g in opt.param_groups:
                g["lr"] = ae_model.learning_rate(a.lr, step, step / a.alone, warm=30, end=0.2)
            opt.zero_grad(set_to_none=True)
            sum(losses).backward()
            opt.step()
            now = [l.item() for l in (*losses, (z_small - z).square().mean())]
            mean = [0.9 * m + 0.1 * l for m, l in zip(mean, now)] if step else now
            if step % 20 == 19:
                print(f"encoder alone, step {step + 1}", *(f"{m:.4f}" for m in mean), flush=True)

    if run.fresh:
        begin_encoder()

        def unseen():
            with ae_model.low_precision(CPU):
                x, v = model.noised(sure[0], sure[2], sure[3])
                print(f"without: {float((model.velocity(x, sure[2]).float() - v).square().mean()):.4f}")
        with torch.no_grad():
            parts.calibrate(unseen)
        run.ema = ae_model.Ema(run.params, 0.995)
        print("before the first step:", measure(), flush=True)
    while run.done < 1:
        rows = pool.draw(a.batch, a.cells, rng)
        z, z_small = (cut(rows, f, a.cells).float() for f in ("z", "z_small"))
        n = len(z)
        # One time in each of n equal stretches: the whole range in every batch.
        t = ((torch.rand(1, generator=rng) + torch.randperm(n, generator=rng)) / n % 1 * 1000).long().clamp(max=999)
        run.update(loss_of(z, z_small, t, torch.randn(z.shape, generator=rng)).mean())
        if run.due():
            run.save(measure)
            pool.look()
    run.save(measure)


def trained(a, model):
    """((Parts, after which step), (Fusions, after which step)): of --start where none were trained here, or None."""
    def mine(name, make, given):
        if not (data.WORK / f"upscale-{name}.pt").exists():
            return given, 0
        module = make()
        return module, mean_weights(module, name)

    parts, fusions = upscale_model.load(model.unet, model.vae, a.start) if a.start else (None, None)
    parts = mine("structure", lambda: upscale_model.Parts(model.unet), parts)
    if parts[0] is None:
        raise SystemExit("train the structure first, or name exported weights by --start")
    return parts, mine("fusion", lambda: upscale_model.Fusions(model.vae), fusions)


@torch.no_grad()
def paint(a, model):
    """Latents of a.chunks chunks more, by a few steps of DDPM from the noised latent, as core/ begins."""
    (parts, steps), _ = trained(a, model)
    print("weights of step", steps)
    parts = parts.eval().to(memory_format=torch.channels_last)
    paths = [upscale_data.POOL / "held.pt", *sorted(upscale_data.POOL.glob("[0-9]*.pt"))]
    for path in [p for p in paths if not p.with_suffix(".painted").exists()][:a.chunks]:
        z = torch.load(path, mmap=True, weights_only=True)["z_small"]
        gen, out = torch.Generator().manual_seed(1000 if path.stem == "held" else int(path.stem)), []
        for i in range(0, len(z), 4):
            out.append(sample(model, parts, z[i:i + 4].float(), a.steps, gen).half())
        torch.save(torch.cat(out), path.with_suffix(".painted"))
        print(path.stem, flush=True)


def sample(model, parts, z, steps, gen):
    """Respaced DDPM as core/samplers/ddpm.c's."""
    noise = lambda: torch.randn(z.shape, generator=gen)
    times = [round(i * 999 / (steps - 1)) for i in range(steps)]
    x, _ = model.noised(z, torch.tensor([999]), noise())
    for i in reversed(range(steps)):
        t = torch.full((len(z),), times[i])
        now, before = model.alphas[times[i]], model.alphas[times[i - 1]] if i else torch.tensor(1.0)
        with ae_model.low_precision(CPU):
            parts.look(fast(z), t)
            v = model.velocity(x, t).float()
        x0, beta = now.sqrt() * x - (1 - now).sqrt() * v, 1 - now / before
        x = (beta * before.sqrt() * x0 + (1 - before) * (1 - beta).sqrt() * x) / (1 - now)
        if i:
            x = x + (beta * (1 - before) / (1 - now)).sqrt() * noise()
    return x


def train_fusion(a, model):
    fusions = upscale_model.Fusions(model.vae).to(memory_format=torch.channels_last)
    fields = ("large", "small", "z", "z_small")
    pool, held = Pool(fields), Pool(fields, True)
    run = Training(a, fusions, "fusion", 0.99)
    if run.fresh and a.start:
        fusions.load_state_dict(upscale_model.load(model.unet, model.vae, a.start)[1].state_dict())
        run.ema = ae_model.Ema(run.params, 0.99)
    rng = torch.Generator().manual_seed(1 + run.step)
    judge = Judge(CPU, a.fool, 4, 60, data.WORK / "upscale-judge.pt")

    def batch(pool, n, rng):
        rows = pool.draw(n, a.cells, rng, 0.75)
        enlarged = [({"picture": upscale_data.enlarge(c["small"][i][None])}, 0, y, x) for c, i, y, x in rows]
        small = cut(enlarged, "picture", a.cells, 8)
        large = ae_model.to_float(cut(rows, "large", a.cells, 8))
        z, z_small = (cut(rows, f, a.cells).float() for f in ("z", "z_small"))
        share, level = torch.rand(2, n, 1, 1, 1, generator=rng)
        z = z + 0.5 * share * (z_small - z) + 0.1 * level * torch.randn(z.shape, generator=rng)
        for k, row in enumerate(rows):
            if "painted" in row[0]:
                z[k] = cut([row], "painted", a.cells)[0]
        return fast(z), fast(small), fast(large)

    def run_it(z, small, fidelity):
        with ae_model.low_precision(CPU):
            return fusions.decode(z, small, fidelity).float()

    sure = batch(held, 16, torch.Generator().manual_seed(5))

    def measure():
        said = []
        for fidelity in (0.0, 0.5, 1.0):
            with torch.no_grad():
                y = torch.cat([run_it(*(s[i:i + 4] for s in sure[:2]), fidelity) for i in range(0, 16, 4)]).clamp(-1, 1)
            steep = (y.diff(dim=3).abs().mean() / sure[2].diff(dim=3).abs().mean()).item()
            said.append(f"fidelity {fidelity}: L1 {float((y - sure[2]).abs().mean()):.4f} "
                        f"gradients {float(gradient_loss(y, sure[2])):.4f} steep {steep:.2f}")
        return "; ".join(said)

    print("before:", measure(), flush=True)
    while run.done < 1:
        z, small, large = batch(pool, a.batch, rng)
        # Any fidelity from the usual one up: both its ends are looked at by artists.
        y = run_it(z, small, 0.5 + 0.5 * torch.rand(len(z), 1, 1, 1, generator=rng))
        loss = (y - large).abs().mean() + (y - large).square().mean() + 0.5 * gradient_loss(y, large)
        run.update(judge.ask(loss, y, large, fusions.fusion_layer_1.encode_enc_3.conv2.weight))
        judge.learn(y, large)
        if run.due():
            run.save(measure)
            judge.save()
            pool.look()
    run.save(measure)
    judge.save()


def export(a, model):
    (parts, step), (fusions, fused) = trained(a, model)
    tensors = {**parts.tensors(), **(fusions.tensors() if fusions else {})}
    upscale_model.save(parts.config, tensors, a.out)
    print(f"{a.out}: after {step} and {fused} steps, {sum(p.numel() for p in tensors.values()) / 1e6:.2f} M")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=("structure", "paint", "fusion", "export"))
    ap.add_argument("out", nargs="?", type=Path)
    ap.add_argument("--model", type=Path, default=data.ROOT / "models/horizon")
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--batch", type=int, default=16)
    ap.add_argument("--cells", type=int, default=upscale_model.CONFIG["window"], help="side of a window of latents")
    ap.add_argument("--lr", type=float, help="at its top: 1e-3 for the structure, 2e-4 for the fusions")
    ap.add_argument("--chunks", type=int, default=2, help="to paint")
    ap.add_argument("--steps", type=int, default=8, help="to paint by")
    ap.add_argument("--alone", type=int, default=80, help="steps of the encoder before the UNet is asked")
    ap.add_argument("--fool", type=float, default=1.0, help="weight of the judge whom the fusions' pictures must fool")
    ap.add_argument("--start", type=Path, help="exported weights to go on from where this folder has none")
    ap.add_argument("--every", type=float, default=4, help="minutes between checkpoints")
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    a.lr = a.lr or (2e-4 if a.what == "fusion" else 1e-3)
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    model = Model(a.model)
    {"structure": train_structure, "paint": paint, "fusion": train_fusion, "export": export}[a.what](a, model)


if __name__ == "__main__":
    main()
