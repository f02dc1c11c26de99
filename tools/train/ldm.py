# SPDX-License-Identifier: GPL-3.0-or-later
"""The diffusion model's parts and shapes, and its training batches."""
import random

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import captions
import data

SCHEDULE = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.025, beta_schedule="scaled_linear",
                prediction_type="v_prediction", timestep_spacing="trailing", clip_sample=False,
                set_alpha_to_one=False, steps_offset=1)


def new_unet(dropout=0.0):
    return UNet2DConditionModel(
        sample_size=64, in_channels=4, out_channels=4, block_out_channels=(96, 160, 224), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=128, attention_head_dim=4, norm_num_groups=32, dropout=dropout)


def new_text_encoder(n_tokens):
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=n_tokens, hidden_size=128, intermediate_size=512, projection_dim=128, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=77, hidden_act="quick_gelu",
        bos_token_id=n_tokens - 2, eos_token_id=n_tokens - 1, pad_token_id=n_tokens - 1))


def tokenizer():
    return CLIPTokenizer.from_pretrained(data.WORK / "tokenizer")


def scheduler():
    return DDIMScheduler(**SCHEDULE)


def tokens_of(tok, texts):
    return tok(texts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids


class Windows:
    """Which windows of the cached latents to learn from, and what each is called: drawn by class, so that rare
    classes are seen as often. Only numbers and words; the latents themselves are cut by Latents."""

    def __init__(self, maps, seed, held_out=False):
        self.rng = random.Random(seed)
        photos = {p["stem"]: p for p in data.photographs()[0] if p["held_out"] == held_out}
        self.rows = [dict(h=m["h"], w=m["w"], thumb=m["thumb"].float().numpy(), photo=photos[m["stem"]], index=i)
                     for i, m in enumerate(maps) if m["stem"] in photos]
        self.of_photo = {}
        for r in self.rows:
            self.of_photo.setdefault(r["photo"]["stem"], []).append(r)
        self.by_class = {}
        for c in captions.CLASSES:
            if c == "clouds":
                found = [(s, 1.0 if p["cls"] == c else 0.15) for s, p in photos.items() if p["sky"] in ("clouds", "storm")]
            else:
                found = [(s, 1.0 if p["cls"] == c else 0.35) for s, p in photos.items()
                         if p["cls"] == c or (c in p["words"] and c in ("mountains", "snow", "forest"))]
            if found:
                self.by_class[c] = tuple(zip(*found))

    def one(self, cells_h, cells_w, cls):
        """(map, y, x, caption) of one window; cls is what it should show."""
        rng = self.rng
        for _ in range(60):
            stem = rng.choices(*self.by_class[cls])[0]
            rows = [r for r in self.of_photo[stem] if r["h"] >= cells_h and r["w"] >= cells_w]
            if not rows:
                continue
            r = rng.choice(rows)
            photo, h, w = r["photo"], r["h"], r["w"]
            room = h - cells_h
            y = rng.randint(0, room if cls != "clouds" or photo["cls"] == cls else room // 3)
            top, bottom = y / h, (y + cells_h) / h
            shows = captions.class_of(photo, top, bottom)
            if cls == "clouds":
                if shows == cls or photo["cls"] == cls:
                    break
            elif captions.sky_share(photo, top, bottom) <= 0.8 or rng.random() < 0.15:
                break  # asked for the ground's class: sky alone comes seldom
        x = rng.randint(0, w - cells_w)
        patch = r["thumb"][:, int(top * 16):max(int(top * 16) + 1, round(bottom * 16)),
                           int(x / w * 32):max(int(x / w * 32) + 1, round((x + cells_w) / w * 32))]
        colour = captions.colour_word(patch.mean((1, 2)).tolist())
        return r["index"], y, x, captions.caption(photo, top, bottom, colour, rng, cls if cls != "clouds" else None)

    def draw(self, n, cells_h=32, cells_w=32):
        """([n,3] map, y and x; n captions)"""
        names = list(self.by_class)
        classes = self.rng.choices(names, [captions.CLASSES[c] for c in names], k=n)
        rows = [self.one(cells_h, cells_w, c) for c in classes]
        return torch.tensor([r[:3] for r in rows]), [r[3] for r in rows]


class Latents:
    """All cached latents in one piece of the device's memory; windows are cut by one gather."""

    def __init__(self, maps, dev):
        sizes = [m["latent"].numel() for m in maps]
        self.flat = torch.cat([m["latent"].flatten() for m in maps]).to(dev)
        start = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        self.where = torch.stack([start, torch.tensor([m["h"] for m in maps]), torch.tensor([m["w"] for m in maps])], 1).to(dev)

    def cut(self, index, cells_h, cells_w):
        """[n,4,cells_h,cells_w] float32 of [n,3] map, y and x."""
        dev = self.flat.device
        index = index.to(dev)
        start, h, w = (v.view(-1, 1, 1, 1) for v in self.where[index[:, 0]].T)
        y, x = (index[:, k].view(-1, 1, 1, 1) for k in (1, 2))
        c = torch.arange(4, device=dev).view(1, 4, 1, 1)
        i = torch.arange(cells_h, device=dev).view(1, 1, -1, 1)
        j = torch.arange(cells_w, device=dev).view(1, 1, 1, -1)
        return self.flat[start + (c * h + y + i) * w + x + j].float()


# Height and width of a window in cells, and how often: mostly the model's own window, then wide, tall and large
# ones, so that a canvas's tiles and pictures of up to 512 px are familiar.
SHAPES = {(32, 32): 0.52, (32, 64): 0.15, (64, 32): 0.05, (48, 48): 0.1, (64, 64): 0.18}


class Stream(torch.utils.data.IterableDataset):
    """Batches without end, (shape, [n,3] windows, [n,77] tokens), made by worker processes."""

    def __init__(self, maps, tok, batch, seed):
        self.args, self.tok, self.batch, self.seed = maps, tok, batch, seed

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        seed = self.seed * 1000 + (info.id if info else 0)
        windows, rng = Windows(self.args, seed), random.Random(seed)
        while True:
            h, w = rng.choices(list(SHAPES), list(SHAPES.values()))[0]
            index, texts = windows.draw(max(1, self.batch * 1024 // (h * w)), h, w)
            texts = ["" if rng.random() < 0.1 else t for t in texts]
            yield (h, w), index, tokens_of(self.tok, texts)
