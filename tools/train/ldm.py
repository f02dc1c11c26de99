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


def new_unet():
    return UNet2DConditionModel(
        sample_size=32, in_channels=4, out_channels=4, block_out_channels=(64, 128, 192), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=128, attention_head_dim=4, norm_num_groups=32)


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


class Batches:
    """Crops of cached latents with captions, drawn by class so that rare classes are seen as often."""

    SIZES = {32: (256, 320, 512), 16: (128, 160, 256)}  # photograph heights in px, by the window's height in cells
    SHARES = (0.4, 0.3, 0.3)

    def __init__(self, seed, held_out=False):
        self.rng = random.Random(seed)
        photos, _ = data.photographs()
        self.keep = [p["held_out"] == held_out for p in photos]
        self.photos = [p for p, k in zip(photos, self.keep) if k]
        self.stamp = 0
        self.load()
        self.by_class = {}
        for c in captions.CLASSES:
            rows = [(i, 1.0 if p["cls"] == c else 0.35) for i, (p, _) in enumerate(self.items)
                    if p["cls"] == c or (c in p["words"] and c in ("mountains", "snow", "forest"))]
            if c == "clouds":
                rows = [(i, 1.0) for i, (p, _) in enumerate(self.items) if p["sky"] in ("clouds", "storm")]
            self.by_class[c] = rows

    def load(self):
        """Reads the cached latents, again when cache_latents.py has added a size."""
        path = data.WORK / "latents.pt"
        stamp = path.stat().st_mtime
        if stamp != self.stamp:
            cache = torch.load(path, weights_only=True)
            self.stamp = stamp
            self.items = list(zip(self.photos, [c for c, k in zip(cache, self.keep) if k]))

    def window(self, cells_h, cells_w, cls):
        """(latent, caption, class, stem) of one crop; cls is what it should show."""
        rng = self.rng
        rows = self.by_class[cls]
        for attempt in range(50):
            i = rng.choices([r[0] for r in rows], [r[1] for r in rows])[0]
            photo, rec = self.items[i]
            size = rng.choices(self.SIZES[cells_h], self.SHARES)[0]
            if cls == "clouds":
                size = rng.choice(self.SIZES[cells_h][1:]) if photo["cls"] != "clouds" else size
            if f"{size}.0" not in rec:
                size = 256
            h = size // 8
            y = rng.randint(0, h - cells_h) if cls != "clouds" else rng.randint(0, (h - cells_h) // 3)
            top, bottom = y / h, (y + cells_h) / h
            shows = captions.class_of(photo, top, bottom)
            if cls == "clouds":
                if shows != "clouds" and photo["cls"] != "clouds":
                    continue
            elif captions.sky_share(photo, top, bottom) > 0.8 and rng.random() < 0.85:
                continue  # asked for the ground's class: sky alone comes seldom
            break
        flip = rng.randint(0, 1) if size < 512 else 0
        z = rec[f"{size}.{flip}"]
        x = rng.randint(0, z.shape[2] - cells_w)
        t = rec["thumb"].flip(2) if flip else rec["thumb"]
        w = z.shape[2]
        patch = t[:, int(top * 16):max(int(top * 16) + 1, round(bottom * 16)),
                  int(x / w * 32):max(int(x / w * 32) + 1, round((x + cells_w) / w * 32))]
        colour = captions.colour_word(patch.mean((1, 2)).tolist())
        text = captions.caption(photo, top, bottom, colour, rng, cls if cls != "clouds" else None)
        return z[:, y:y + cells_h, x:x + cells_w].float(), text, cls, photo["stem"]

    def draw(self, n, cells_h=32, cells_w=32):
        self.load()
        names, weights = zip(*captions.CLASSES.items())
        zs, texts = [], []
        for cls in self.rng.choices([c for c in names if self.by_class[c]],
                                    [w for c, w in zip(names, weights) if self.by_class[c]], k=n):
            z, text, _, _ = self.window(cells_h, cells_w, cls)
            zs.append(z)
            texts.append(text)
        return torch.stack(zs), texts
