# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes to learn instances from: objects cut out with their alpha, set into landscape photographs, and the
photographs' own sky and ground.

The objects come from a Debian package by name; models/horizon/INSTANCES.md lists them with their licence.
`instance_data.py PACK` writes everything that scenes are made of into one file of a few megabytes, which composes
them anywhere (Scenes), with neither the packages nor the photographs' folder.
"""
import io
import random
import subprocess
import sys
import zipfile

import json
import numpy as np
import torch
from PIL import Image

import data
from instance_model import CONFIG

PACKAGE = "tuxpaint-stamps-default"
LICENCE = "GPL-2.0-or-later, 2002-2022 Bill Kendrick (the whole package, debian/copyright)"
STAMPS = "usr/share/tuxpaint/stamps"
# name: (where it stands, share of the picture's height from .. to, files)
OBJECTS = {
    "tree": ("ground", 0.3, 0.75, ["plants/trees/tree336", "plants/trees/holm_oak", "plants/trees/birch"]),
    "palm tree": ("ground", 0.35, 0.75, ["plants/trees/liberia-palm"]),
    "house": ("ground", 0.2, 0.5, ["town/houses/cartoon/wooden_cottage", "town/houses/cartoon/inn",
                                   "town/houses/cartoon/stables", "town/houses/cartoon/tavern"]),
    "castle": ("ground", 0.3, 0.6, ["town/houses/cartoon/fortress", "town/houses/cartoon/tower_square",
                                    "town/houses/cartoon/fort"]),
    "tower": ("ground", 0.3, 0.65, ["town/houses/cartoon/tower_round", "town/houses/cartoon/tower_round_flag",
                                    "town/cartoon/watch_tower"]),
    "church": ("ground", 0.3, 0.6, ["town/houses/cartoon/cathedral"]),
    "windmill": ("ground", 0.3, 0.6, ["town/houses/cartoon/windmill"]),
    "stones": ("ground", 0.2, 0.5, ["town/monuments/inukshuk-photo"]),
    "pyramid": ("ground", 0.2, 0.5, ["town/monuments/cartoon/pyramid"]),
    "ship": ("ground", 0.2, 0.5, ["vehicles/ship/walnutBoat", "vehicles/ship/chineseJunk",
                                  "town/cartoon/shipwreck"]),
    "horse": ("ground", 0.15, 0.4, ["animals/mammals/equines/horse", "animals/mammals/equines/donkey"]),
    "cow": ("ground", 0.15, 0.4, ["animals/mammals/bovines/cow_white", "animals/mammals/bovines/bison"]),
    "moon": ("sky", 0.12, 0.35, ["space/moon/moon_full", "space/moon/moon_3qt"]),
    "balloon": ("sky", 0.2, 0.5, ["vehicles/flight/balloon360"]),
}
PHOTO_HEIGHT = 320  # pixels; windows are 256


def fetch():
    """The package's files, downloaded by apt when they are not there."""
    deb = data.WORK / "deb-instances"
    out = deb / "x"
    if not (out / STAMPS).exists():
        deb.mkdir(parents=True, exist_ok=True)
        subprocess.check_call(["apt-get", "download", PACKAGE], cwd=deb)
        for f in deb.glob("*.deb"):
            subprocess.check_call(["dpkg-deb", "-x", str(f), str(out)])
    return out


def write_pack(path):
    stamps = fetch() / STAMPS
    index = dict(objects=[], photographs=[])
    with zipfile.ZipFile(path, "w") as z:
        for name, (place, least, most, files) in OBJECTS.items():
            for f in files:
                im = Image.open(stamps / f"{f}.png").convert("RGBA")
                im = im.crop(im.getchannel("A").point(lambda a: 255 if a > 40 else 0).getbbox())
                im.thumbnail((220, 220), Image.LANCZOS)
                file = f"objects/{len(index['objects'])}.png"
                z.writestr(file, encoded(im, "PNG"))
                index["objects"].append(dict(file=file, name=name, place=place, least=least, most=most, source=f))
        for p in data.photographs()[0]:
            im = Image.open(p["path"]).convert("RGB")
            im = im.resize((round(im.width * PHOTO_HEIGHT / im.height), PHOTO_HEIGHT), Image.LANCZOS)
            file = f"photographs/{p['stem']}.jpg"
            z.writestr(file, encoded(im, "JPEG", quality=88))
            index["photographs"].append({"file": file, **{k: p[k] for k in (
                "stem", "cls", "words", "skyline", "sky", "light", "held_out")}})
        z.writestr("index.json", json.dumps(index))


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def write_sources(path):
    lines = ["# What Horizon's instances were learnt from", "",
             f"Objects cut out with their alpha, from the Debian package `{PACKAGE}`;",
             f"{LICENCE}. The photographs are those of DATA.md.", "", "| name | files |", "|---|---|"]
    lines += [f"| {name} | {', '.join(f'{f}.png' for f in o[3])} |" for name, o in OBJECTS.items()]
    path.write_text("\n".join(lines) + "\n")


# --- where an object is -------------------------------------------------------------------------------------------

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


def region_names(photograph):
    """What its sky and its ground are called."""
    return [{"clear": "clear sky"}.get(photograph["sky"], f"{photograph['sky']} sky"), photograph["cls"]]


class Scenes:
    """Pictures of 256 pixels with what is where in them. The names must be encoded by the caller: the text encoder's
    pooled state of each of `names` goes into "text"."""

    def __init__(self, pack, seed=0, held_out=False, config=None):
        self.rng = random.Random(seed)
        self.config = dict(CONFIG if config is None else config)
        z = zipfile.ZipFile(pack)
        index = json.loads(z.read("index.json"))
        self.objects = [dict(o, image=Image.open(io.BytesIO(z.read(o["file"]))).convert("RGBA"))
                        for o in index["objects"]]
        self.by_name = {}
        for o in self.objects:
            self.by_name.setdefault(o["name"], []).append(o)
        self.photographs = [dict(p, image=Image.open(io.BytesIO(z.read(p["file"]))).convert("RGB"))
                            for p in index["photographs"] if p["held_out"] == held_out]

    def place(self, obj, skyline, taken, side):
        """(x, y, w, h) in pixels, apart from what is there; None when nothing is found."""
        im = obj["image"]
        for _ in range(20):
            h = side * self.rng.uniform(obj["least"], obj["most"])
            w = h * im.width / im.height
            if w > 0.8 * side:
                h, w = h * 0.8 * side / w, 0.8 * side
            x = self.rng.uniform(-0.1 * w, side - 0.9 * w)
            if obj["place"] == "sky":
                y = self.rng.uniform(0, max(1, skyline * side - 0.7 * h))
            else:
                foot = self.rng.uniform(min(max(skyline, 0.35), 0.85) * side + 4, side * 1.02)
                y = foot - h
            box = (x, y, x + w, y + h)
            if all(min(box[2], t[2]) - max(box[0], t[0]) < 0.25 * w
                   or min(box[3], t[3]) - max(box[1], t[1]) < 0.25 * h for t in taken):
                return box
        return None

    def paste(self, picture, obj, box, side):
        """The mask of what is seen of it."""
        w, h = max(1, round(box[2] - box[0])), max(1, round(box[3] - box[1]))
        im = obj["image"].resize((w, h), Image.LANCZOS)
        if self.rng.random() < 0.5:
            im = im.transpose(Image.FLIP_LEFT_RIGHT)
        at = (round(box[0]), round(box[1]))
        patch = picture.crop((max(at[0], 0), max(at[1], 0), at[0] + w, at[1] + h))
        mean = np.asarray(patch, np.float32).mean() / 255 if patch.width and patch.height else 0.5
        light = np.asarray(im, np.float32)
        light[..., :3] *= 0.6 + 0.55 * mean * self.rng.uniform(0.9, 1.1)  # objects are as bright as their surroundings
        im = Image.fromarray(light.clip(0, 255).astype(np.uint8), "RGBA")
        layer = Image.new("L", (side, side))
        layer.paste(im.getchannel("A"), at)
        picture.paste(im, at, im)
        return np.asarray(layer) > 100

    def scene(self, n_objects=None):
        """(picture [3, s, s] in -1..1, caption, names, masks [bool s, s], photograph)."""
        side, rng = self.config["mask_side"], self.rng
        p = rng.choice(self.photographs)
        x, y = rng.randint(0, p["image"].width - side), rng.randint(0, p["image"].height - side)
        picture = p["image"].crop((x, y, x + side, y + side))
        if rng.random() < 0.5:
            picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        skyline = (p["skyline"] * p["image"].height - y) / side
        names, masks, taken = [], [], []
        n_objects = rng.choices([0, 1, 2, 3, 4], [1, 3, 3, 3, 1])[0] if n_objects is None else n_objects
        for name in rng.sample(sorted(self.by_name), n_objects):
            obj = rng.choice(self.by_name[name])
            box = self.place(obj, skyline, taken, side)
            if box is None:
                continue
            mask = self.paste(picture, obj, box, side)
            if mask.sum() < 80:
                continue
            masks = [m & ~mask for m in masks]
            taken.append(box)
            names.append(name)
            masks.append(mask)
        hidden = np.zeros((side, side), bool)
        for m in masks:
            hidden |= m
        rows = np.arange(side)[:, None].repeat(side, 1)
        if rng.random() < 0.3 and 0.15 < skyline < 0.9:
            names += region_names(p)
            masks += [(rows < (skyline - 0.03) * side) & ~hidden, (rows > (skyline + 0.03) * side) & ~hidden]
        keep = [i for i in range(len(names)) if masks[i].sum() >= 80]
        words = [p["cls"]] + [f"a {names[i]}" for i in keep if names[i] in self.by_name]
        if rng.random() < 0.4:
            words = words[:1]
        pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 127.5 - 1
        return pixels, ", ".join(words), [names[i] for i in keep], [masks[i] for i in keep], p["stem"]

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
        """(pictures [n, 3, s, s], captions, names of each picture's instances, batch without "text")."""
        pictures, captions, names, rows = [], [], [], []
        for _ in range(n):
            picture, caption, words, masks, _ = self.scene()
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
    write_sources(data.ROOT / "models/horizon/INSTANCES.md")
    s = Scenes(sys.argv[1])
    pictures, captions, names, batch = s.draw(12)
    sheet = Image.new("RGB", (4 * 256, 3 * 256))
    for i, p in enumerate(pictures):
        sheet.paste(Image.fromarray(((p.permute(1, 2, 0) + 1) * 127.5).byte().numpy()), (i % 4 * 256, i // 4 * 256))
        print(captions[i], "|", names[i], [round(v, 2) for v in batch["box"][i, 0].tolist()])
    sheet.save("scenes.png")
