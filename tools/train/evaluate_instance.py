# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether named things come where they were put: every figure and the sheet of docs/instances.md.

    python3 tools/train/evaluate_instance.py PACK [--run "tools/sandbox build/dev/tools/tessera-run"]

30 pictures by tessera-run with three objects each at random places, and the same ones (prompt, seed) told of no
places. A small classifier, trained on objects set into photographs and gone through the autoencoder as a made
picture has, looks at each place: the object is found when it says the object's name, of all names and "nothing".
PACK is what `instance_data.py PACK` writes.
"""
import argparse
import json
import random
import shlex
import subprocess
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from PIL import Image, ImageDraw

import evaluate
import instance_data

ROOT = Path(__file__).resolve().parents[2]
NAMES = [*instance_data.OBJECTS, "nothing"]
SIDE = 64  # pixels of what the classifier sees
WINDOW = 256
GROUNDS = ("mountains", "fields", "desert", "snow", "sea", "forest")


def patch(picture, box):
    """[3, SIDE, SIDE] of a box with a tenth of its size round it; what lies outside of the picture repeats its edge."""
    _, h, w = picture.shape
    x0, y0, x1, y1 = box
    mx, my = 0.1 * (x1 - x0), 0.1 * (y1 - y0)
    x = torch.linspace(x0 - mx, x1 + mx, SIDE) / w * 2 - 1
    y = torch.linspace(y0 - my, y1 + my, SIDE) / h * 2 - 1
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)
    return F.grid_sample(picture[None], grid[None], padding_mode="border", align_corners=False)[0]


class Patches:
    """Objects in photographs as the autoencoder shows them, and places without one."""

    def __init__(self, pack, model, held_out, n, seed):
        self.rng = random.Random(seed)
        self.by_name = {name: [] for name in NAMES}
        vae = AutoencoderKL.from_pretrained(model / "vae").eval()
        scenes = instance_data.Scenes(pack, seed, held_out)
        for _ in range(n):
            picture, _, names, masks, _ = scenes.scene(3)
            with torch.no_grad():
                seen = vae.decode(vae.encode(picture[None]).latent_dist.mean).sample[0].clamp(-1, 1)
            taken = []
            for name, mask in zip(names, masks):
                if name not in self.by_name:
                    continue
                ys, xs = mask.nonzero()
                taken.append((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
                for _ in range(2):
                    self.by_name[name].append(patch(seen, self.moved(taken[-1])))
            for _ in range(2):
                self.by_name["nothing"].append(patch(seen, self.free(taken)))

    def moved(self, box):
        """A box about there: IoU with it mostly above 0.7."""
        w, h = box[2] - box[0], box[3] - box[1]
        dx, dy = self.rng.uniform(-0.08, 0.08) * w, self.rng.uniform(-0.08, 0.08) * h
        return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy

    def free(self, taken):
        while True:
            w, h = self.rng.uniform(40, 130), self.rng.uniform(40, 130)
            x, y = self.rng.uniform(0, WINDOW - w), self.rng.uniform(0, WINDOW - h)
            if all(min(x + w, t[2]) - max(x, t[0]) < 0.3 * w or min(y + h, t[3]) - max(y, t[1]) < 0.3 * h for t in taken):
                return x, y, x + w, y + h

    def draw(self, n):
        labels = [self.rng.randrange(len(NAMES)) for _ in range(n)]
        labels = [k if self.by_name[NAMES[k]] else len(NAMES) - 1 for k in labels]
        x = torch.stack([self.rng.choice(self.by_name[NAMES[k]]) for k in labels])
        return x.flip(3) if self.rng.random() < 0.5 else x, torch.tensor(labels)


def places(names, rng):
    """[name, x, y, w, h] in pixels of each, apart from one another; sizes as they were learnt. None: no room."""
    boxes = []
    for name in names:
        place, least, most, _ = instance_data.OBJECTS[name]
        for _ in range(50):
            h = WINDOW * rng.uniform(max(least, 0.2), most)
            w = h * rng.uniform(0.7, 1.1)
            x = rng.uniform(0, WINDOW - w)
            y = rng.uniform(0, WINDOW / 2 - h / 2) if place == "sky" else rng.uniform(WINDOW / 2 - h / 2, WINDOW - h)
            if all(x > b[1] + b[3] or b[1] > x + w or y > b[2] + b[4] or b[2] > y + h for b in boxes):
                boxes.append([name, *(round(v) for v in (x, y, w, h))])
                break
        else:
            return None
    return boxes


def scenes(n, seed):
    """Prompt and places of three objects each."""
    rng = random.Random(seed)
    for _ in range(n):
        boxes = None
        while boxes is None:
            boxes = places(rng.sample(sorted(instance_data.OBJECTS), 3), rng)
        yield ", ".join([rng.choice(GROUNDS), *(f"a {b[0]}" for b in boxes)]), boxes


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("pack")
    ap.add_argument("--model", type=Path, default=ROOT / "models/horizon")
    ap.add_argument("--instance-model", type=Path, help="elsewhere than in the model's folder")
    ap.add_argument("--run", default="tools/sandbox build/dev/tools/tessera-run")
    ap.add_argument("--options", default="--steps 20 --guidance 4")
    ap.add_argument("--scenes", type=int, default=30)
    ap.add_argument("--steps", type=int, default=1500, help="of the classifier")
    ap.add_argument("--pictures", type=int, default=1500, help="that it learns from")
    ap.add_argument("--sheet", type=Path, default=ROOT / "docs/instances/scenes.jpg")
    a = ap.parse_args()
    torch.manual_seed(1)

    net = evaluate.train_classifier(Patches(a.pack, a.model, False, a.pictures, 1), a.steps, len(NAMES))
    x, y = Patches(a.pack, a.model, True, 200, 2).draw(600)
    with torch.no_grad():
        print(f"classifier: {float((net(x).argmax(1) == y).float().mean()):.1%} of 600 places in held-out photographs, "
              f"{len(NAMES)} names")

    rows, found, total = [], dict(told=0, untold=0), 0
    with tempfile.TemporaryDirectory() as folder:
        for i, (prompt, boxes) in enumerate(scenes(a.scenes, 7)):
            total += len(boxes)
            told = [dict(text=b[0], box=b[1:]) for b in boxes]
            for kind, instances in (("told", told), ("untold", [])):
                out, job = Path(folder, "out.png"), Path(folder, "instances.json")
                job.write_text(json.dumps(instances))
                command = [*shlex.split(a.run), "-q", "--model", str(a.model), "--width", str(WINDOW), "--height", str(WINDOW),
                           "--seed", str(100 + i), *shlex.split(a.options), "-o", str(out), prompt]
                if instances:
                    command[-3:-3] = ["--instances", str(job)]
                    if a.instance_model:
                        command[-3:-3] = ["--instance-model", str(a.instance_model)]
                subprocess.run(command, check=True, cwd=ROOT)
                picture = evaluate.read_picture(out)
                with torch.no_grad():
                    said = net(torch.stack([patch(picture, (b[1], b[2], b[1] + b[3], b[2] + b[4])) for b in boxes])).argmax(1)
                right = [NAMES[k] == b[0] for k, b in zip(said, boxes)]
                found[kind] += sum(right)
                image = evaluate.to_image(picture)
                draw = ImageDraw.Draw(image)
                for b, ok in zip(boxes, right):
                    if kind == "told":
                        draw.rectangle([b[1], b[2], b[1] + b[3] - 1, b[2] + b[4] - 1], outline="white" if ok else "red")
                        draw.text((b[1] + 3, b[2] + 2), b[0], fill="white")
                rows.append(image)
    print(f"found where it was put: {found['told'] / total:.1%} of {total} objects; told of no places {found['untold'] / total:.1%}")
    pairs = 12
    sheet = Image.new("RGB", (6 * WINDOW, pairs // 3 * WINDOW))
    for i, image in enumerate(rows[:2 * pairs]):
        sheet.paste(image, (i % 6 * WINDOW, i // 6 * WINDOW))
    a.sheet.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(a.sheet, quality=85)


if __name__ == "__main__":
    main()
