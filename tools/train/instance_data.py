# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes to learn instances from: regions of photographs, set into photographs of another class.

`instance_data.py PACK` writes all photographs, small, into one file of a few megabytes that composes scenes
anywhere (Scenes), without their folder.
"""
import io
import json
import random
import sys
import zipfile

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

import captions
import data
from instance_model import CONFIG

# What a region may be called: (classes of the photographs, part of them, words for it; the first is its name).
REGIONS = {
    "forest": (("forest",), "ground", ("forest", "trees")),
    "snow": (("snow",), "ground", ("snow", "ice")),
    "desert": (("desert",), "ground", ("desert", "sand", "dunes")),
    "city": (("city",), "ground", ("city", "towers")),
    "sea": (("sea", "lake"), "ground", ("sea", "lake", "water")),
    "clouds": ((), "sky", ("clouds", "storm clouds")),
    "fields": (("fields",), "ground", ("fields", "grass")),
}
# What a small classifier tells apart on photographs held out; sea (0.38) and fields (0.26) are learnt all the same.
NAMES = ["forest", "snow", "desert", "city", "clouds"]
WORDS = {word: name for name, region in REGIONS.items() for word in region[2]}
# What alone() adds; to others "only ground".
ALONE = {
    "forest": "hills, trees, dark, only ground",
    "city": "towers",
    "clouds": "sky, day, upper part",
}
DARK = ("night", "dusk")  # everything looks alike then, but cities and clouds
MISTY = {"fog", "mist", "haze", "smoke"}
PHOTO_HEIGHT = 320  # pixels; windows are 256


def write_pack(path):
    index = dict(photographs=[])
    with zipfile.ZipFile(path, "w") as z:
        for p in data.photographs()[0]:
            im = Image.open(p["path"]).convert("RGB")
            im = im.resize((round(im.width * PHOTO_HEIGHT / im.height), PHOTO_HEIGHT), Image.LANCZOS)
            file = f"photographs/{p['stem']}.jpg"
            out = io.BytesIO()
            im.save(out, "JPEG", quality=88)
            z.writestr(file, out.getvalue())
            index["photographs"].append({"file": file, **{k: p[k] for k in (
                "stem", "cls", "words", "skyline", "sky", "light", "held_out")}})
        z.writestr("index.json", json.dumps(index))


def shown(photograph):
    """[(name, top, bottom)] of the regions that a photograph shows, as shares of its height; some depth apart from the
    skyline, which is seldom level."""
    p, out = photograph, []
    if p["sky"] in ("clouds", "storm") and p["skyline"] > 0.3:
        out.append(("clouds", 0, p["skyline"] - 0.08 if p["cls"] != "clouds" else 0.95))
    clear = p["sky"] != "fog" and not MISTY & set(p["words"]) and p["skyline"] < 0.75
    for name, (classes, part, _) in REGIONS.items():
        if clear and part == "ground" and p["cls"] in classes and (name == "city" or p["light"] not in DARK):
            out.append((name, p["skyline"] + 0.08, 1))
    return out


def alone(text):
    """The caption of a picture that shows nothing but a region called so, in the words in which the model paints it
    best: of six captions a name, tried as teachers of 24 scenes (seed 8), that which the judge of evaluate_instance.py
    named most often."""
    return f"{text}, {ALONE.get(WORDS[text.split()[-1]], 'only ground')}"


def shown_else(photograph):
    """As shown(), of what is none of the names: [(top, bottom)]."""
    p, out = photograph, []
    if p["sky"] in ("clear", "haze") and p["skyline"] > 0.3:
        out.append((0, p["skyline"] - 0.08))
    if p["cls"] in ("mountains", "volcano") and p["skyline"] < 0.75 and not {"snow", "glacier", "ice"} & set(p["words"]):
        out.append((p["skyline"] + 0.08, 1))
    return out


# --- where a region is -------------------------------------------------------------------------------------------

def sorted_from_origin(points):
    return points[np.argsort((points ** 2).sum(1), kind="stable")]


def polygon(mask, n):
    """n points as core/instance-formats.c picks them: half on the zero pixels round it (shifted by one), half inside."""
    ys, xs = np.nonzero(mask)
    padded = np.pad(mask, 1)
    near = np.zeros_like(padded)
    for axis in (0, 1):
        for step in (-1, 1):
            near |= np.roll(padded, step, axis)
    by, bx = np.nonzero(near & ~padded)
    turn = np.argsort(np.arctan2(by - by.mean(), bx - bx.mean()))
    pick = turn[np.linspace(0, len(turn) - 1, n // 2).astype(int)]
    outline = np.stack([bx[pick], by[pick]], 1)
    inside = np.stack([xs, ys], 1)
    inside = inside[np.argsort(((inside - inside.mean(0)) ** 2).sum(1), kind="stable")]
    step = max(len(inside) / (n // 2), 1)
    pick = np.minimum(((np.arange(n // 2) + 0.5) * step).astype(int), len(inside) - 1)
    return sorted_from_origin(np.concatenate([outline, inside[pick]]))


def scribble(mask, n, rng):
    ys, xs = np.nonzero(mask)
    pick = [rng.randrange(len(ys)) for _ in range(n)]
    return sorted_from_origin(np.stack([xs[pick], ys[pick]], 1))


def drops(rng):
    """Which formats a picture goes without: box, point, scribble, mask. As the published training, but masks, which
    say the most, are left out more often: a box alone is what most people draw."""
    r = rng.random()
    if r < 0.1:
        return [1, 0, 1, 1]
    if r < 0.2:
        return [0, 0, 1, 0]
    box, point, scrib, mask = (rng.random() < p for p in (0.1, 0.1, 0.1, 0.45))
    if not mask:
        box = point = False
    if not box:
        point = False
    if box and point and scrib and mask:
        box = False
    return [int(box), int(point), int(scrib), int(mask)]


def to_pixels(image):
    """[3, h, w] in -1..1"""
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 127.5 - 1


def outline(w, h, rng):
    """The mask of a region, an image of [h, w]: its box, an ellipse, or a polygon as a hand draws one."""
    mask = Image.new("L", (w, h))
    draw = ImageDraw.Draw(mask)
    kind = rng.random()
    if kind < 0.45:
        draw.rectangle([0, 0, w, h], fill=255)
    elif kind < 0.65:
        draw.ellipse([0, 0, w - 1, h - 1], fill=255)
    else:
        n = rng.randint(5, 14)
        turns = np.sort((np.arange(n) + [rng.uniform(0, 0.8) for _ in range(n)]) / n * 2 * np.pi)
        far = np.array([rng.uniform(0.7, 1.15) for _ in range(n)])
        draw.polygon([(w / 2 * (1 + f * np.cos(t)), h / 2 * (1 + f * np.sin(t))) for f, t in zip(far, turns)], fill=255)
    return mask


class Scenes:
    """Pictures of 256 pixels with what is where in them. The names must be encoded by the caller: the text encoder's
    pooled state of each of `names` goes into "text"."""

    def __init__(self, pack, seed=0, held_out=False, config=None):
        self.rng = random.Random(seed)
        self.config = dict(CONFIG if config is None else config)
        z = zipfile.ZipFile(pack)
        index = json.loads(z.read("index.json"))
        self.photographs = [dict(p, image=Image.open(io.BytesIO(z.read(p["file"]))).convert("RGB"))
                            for p in index["photographs"] if p["held_out"] == held_out]
        self.by_name = {name: [] for name in REGIONS}
        for p in self.photographs:
            for name, top, bottom in shown(p):
                self.by_name[name].append((p, top, bottom))
        self.others = [(p, *span) for p in self.photographs for span in shown_else(p)]

    def piece(self, name, w, h):
        """w x h pixels of nothing but what is called so; None: of what none of the names is for."""
        rng = self.rng
        while True:
            p, top, bottom = rng.choice(self.by_name[name] if name else self.others)
            im = p["image"]
            top, bottom = top * im.height, bottom * im.height
            scale = max(rng.uniform(0.8, 1.4), h / (bottom - top), w / im.width)  # a photograph's pixel in the picture
            if scale < 2:
                break
        tall, wide = h / scale, w / scale
        x, y = max(0, rng.uniform(0, im.width - wide)), rng.uniform(top, max(top, bottom - tall))
        im = im.resize((w, h), Image.BICUBIC, box=(x, y, min(x + wide, im.width), min(y + tall, im.height)))
        return im.transpose(Image.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else im

    def place(self, taken, side):
        """(x, y, w, h) in pixels, mostly apart from what is there; None when nothing is found."""
        rng = self.rng
        for _ in range(20):
            w, h = (round(side * rng.uniform(0.22, 0.6)) for _ in range(2))
            x, y = rng.randint(-w // 8, side - w + w // 8), rng.randint(-h // 8, side - h + h // 8)
            if all(min(x + w, t[0] + t[2]) - max(x, t[0]) < 0.25 * w
                   or min(y + h, t[1] + t[3]) - max(y, t[1]) < 0.25 * h for t in taken):
                return x, y, w, h
        return None

    def text_of(self, name, piece):
        """What an artist may call it: one of its words, sometimes with its colour."""
        word = self.rng.choice(REGIONS[name][2]) if self.rng.random() < 0.4 else name
        if self.rng.random() < 0.35:
            colour = captions.colour_word(np.asarray(piece, np.float32).mean((0, 1)) / 255)
            word = f"{colour} {word}"
        return word

    def scene(self, n_regions=None):
        """(picture [3, s, s] in -1..1, caption, names, texts, masks [bool s, s], photograph)."""
        side, rng = self.config["mask_side"], self.rng
        p = rng.choice(self.photographs)
        x, y = rng.randint(0, p["image"].width - side), rng.randint(0, p["image"].height - side)
        picture = p["image"].crop((x, y, x + side, y + side))
        if rng.random() < 0.5:
            picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        ground = next((n for n in REGIONS if p["cls"] in REGIONS[n][0]), p["cls"])
        names, texts, masks, taken = [], [], [], []
        n_regions = rng.choices([0, 1, 2, 3, 4], [0.5, 2, 3, 3, 1])[0] if n_regions is None else n_regions
        for name in rng.sample([n for n in REGIONS if n != ground], n_regions):
            place = self.place(taken, side)
            if place is None:
                continue
            x0, y0, w, h = place
            piece, shape = self.piece(name, w, h), outline(w, h, rng)
            layer = Image.new("L", (side, side))
            layer.paste(shape, (x0, y0))
            mask = np.asarray(layer) > 127
            if rng.random() < 0.6:
                layer = layer.filter(ImageFilter.GaussianBlur(rng.uniform(1, 6)))
            whole = Image.new("RGB", (side, side))
            whole.paste(piece.resize((w + 24, h + 24)), (x0 - 12, y0 - 12))  # something under a soft edge
            whole.paste(piece, (x0, y0))
            picture.paste(whole, (0, 0), layer)
            masks = [m & ~mask for m in masks]
            taken.append(place)
            names.append(name)
            texts.append(self.text_of(name, piece))
            masks.append(mask)
        words = [p["cls"], *(n for n in names if rng.random() < 0.5)]
        if rng.random() < 0.3:  # and what the photograph itself shows
            hidden = np.zeros((side, side), bool)
            for m in masks:
                hidden |= m
            rows = (np.arange(side)[:, None].repeat(side, 1) + y) / p["image"].height
            for name, top, bottom in shown(p):
                names.append(name)
                texts.append(name)
                masks.append((rows >= top) & (rows < bottom) & ~hidden)
        keep = [i for i in range(len(names)) if masks[i].sum() >= 200]
        return (to_pixels(picture), ", ".join(words), [names[i] for i in keep], [texts[i] for i in keep], [masks[i] for i in keep],
                p["stem"])

    def describe(self, masks):
        """One picture's rows of what PositionNet takes, but "text"; the largest first."""
        c = self.config
        slots, side = c["slots"], c["mask_side"]
        row = dict(used=torch.zeros(slots), box=torch.zeros(slots, 4), point=torch.zeros(slots, 2),
                   scribble=torch.zeros(slots, 2 * c["scribble_points"]),
                   polygon=torch.zeros(slots, 2 * c["polygon_points"]), segmentation=torch.zeros(slots, side, side),
                   drop=torch.tensor(drops(self.rng), dtype=torch.float32))
        for i, m in enumerate(masks[:slots]):
            ys, xs = np.nonzero(m)
            box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) / side
            row["used"][i] = 1
            row["box"][i] = torch.from_numpy(box).float()
            row["point"][i] = torch.tensor([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
            row["scribble"][i] = torch.from_numpy(scribble(m, c["scribble_points"], self.rng).reshape(-1) / side).float()
            row["polygon"][i] = torch.from_numpy(
                np.minimum(polygon(m, c["polygon_points"]).reshape(-1) / side, 1)).float()
            row["segmentation"][i] = torch.from_numpy(m).float()
        return row

    def draw(self, n):
        """(pictures [n, 3, s, s], captions, texts of each picture's instances, batch without "text")."""
        pictures, captions, names, rows = [], [], [], []
        for _ in range(n):
            picture, caption, _, words, masks, _ = self.scene()
            order = sorted(range(len(masks)), key=lambda i: -masks[i].sum())
            pictures.append(picture)
            captions.append(caption)
            names.append([words[i] for i in order])
            rows.append(self.describe([masks[i] for i in order]))
        return torch.stack(pictures), captions, names, {k: torch.stack([r[k] for r in rows]) for k in rows[0]}


class Pool:
    """Scenes drawn and encoded once and learnt from again and again, for a machine whose processor does it all: the
    drawing and encoding of a scene costs there as much as half of what is learnt from it. What a picture goes without
    is drawn anew each time. `encode`: pictures [n, 3, s, s] -> latents [n, c, s/8, s/8]."""

    def __init__(self, scenes, n, encode, batch=16):
        self.scenes, self.latents, self.scene = scenes, [], []
        for first in range(0, n, batch):
            pictures, captions, names, rows = scenes.draw(min(batch, n - first))
            self.latents.append(encode(pictures).half())
            for i, (caption, words) in enumerate(zip(captions, names)):
                row = {k: v[i, :len(words)].clone() for k, v in rows.items() if k != "drop"}
                row["segmentation"] = np.packbits(row["segmentation"].numpy().astype(bool))
                self.scene.append((caption, words, row))
        self.latents = torch.cat(self.latents)

    def draw(self, n):
        """As Scenes.draw, with latents for pictures."""
        c, rng = self.scenes.config, self.scenes.rng
        at = [rng.randrange(len(self.scene)) for _ in range(n)]
        rows = {k: torch.zeros(n, c["slots"], *shape) for k, shape in dict(
            used=(), box=(4,), point=(2,), scribble=(2 * c["scribble_points"],), polygon=(2 * c["polygon_points"],),
            segmentation=(c["mask_side"], c["mask_side"])).items()}
        for i, j in enumerate(at):
            row = self.scene[j][2]
            k = len(row["used"])
            masks = np.unpackbits(row["segmentation"])[:k * c["mask_side"] ** 2]
            for key in rows:
                v = torch.from_numpy(masks.reshape(k, c["mask_side"], c["mask_side"])) if key == "segmentation" else row[key]
                rows[key][i, :k] = v
        rows["drop"] = torch.tensor([drops(rng) for _ in at], dtype=torch.float32)
        return self.latents[at].float(), [self.scene[j][0] for j in at], [self.scene[j][1] for j in at], rows


if __name__ == "__main__":
    write_pack(sys.argv[1])
    s = Scenes(sys.argv[1])
    pictures, captions, names, batch = s.draw(12)
    sheet = Image.new("RGB", (4 * 256, 3 * 256))
    for i, p in enumerate(pictures):
        sheet.paste(Image.fromarray(((p.permute(1, 2, 0) + 1) * 127.5).byte().numpy()), (i % 4 * 256, i // 4 * 256))
        print(captions[i], "|", names[i], [round(v, 2) for v in batch["box"][i, 0].tolist()])
    sheet.save("scenes.png")
