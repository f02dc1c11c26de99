# SPDX-License-Identifier: GPL-3.0-or-later
"""How well pictures are enlarged: 40 windows of held-out photographs, degraded, enlarged by tessera-run and by others.

    evaluate_upscale.py --run "tools/sandbox build/dev/tools/tessera-run" --gegl "tools/sandbox python3"

prints a table and writes docs/horizon/upscale.jpg. Small pictures, what was made of them and the classifier stay in
WORK/evaluate; --only looks at what is there. What follows `--` goes to tessera-run.

PSNR: mean over pictures. Distance: of the classifier's five maps, at the pictures' own size, each cell's features
brought to length 1, mean of squared differences times 1000 (as LPIPS, without learned weights). Frechet: between the
classifier's features of all 64 px windows and those of the photographs'. Gradients: mean of lengths of differences
between neighbours, relative to the photographs'; and how far the sorted lengths are apart, relative to their mean.
"""
import argparse
import os
import random
import shlex
import subprocess
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import ae_model
import data
import evaluate
import upscale_data

FACTOR, COUNT, SIDE = 4, 40, upscale_data.SIDE
HOME = data.WORK / "evaluate"
GIMP = ("cubic", "nohalo", "lohalo")


def write_pictures():
    """Two windows of each photograph, side by side, until there are enough."""
    for name in ("large", "small"):
        (HOME / name).mkdir(parents=True, exist_ok=True)
    photos = [p for p in data.photographs()[0] if p["held_out"]]
    spots = [(p, x) for x in (96, 1440 - 96 - SIDE) for p in photos][:COUNT]
    for i, (p, x) in enumerate(spots):
        with Image.open(p["path"]) as im:
            im = im.convert("RGB").crop((x, 104, x + SIDE, 104 + SIDE))
        large = torch.from_numpy(np.array(im)).permute(2, 0, 1)
        small = upscale_data.degrade(large.float() / 255, FACTOR, random.Random(i))
        for name, pixels in (("large", large), ("small", small)):
            Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(HOME / name / f"{i:02}-{p['stem']}.png")


def outside(command, *more):
    """Runs it where WORK can be seen."""
    subprocess.check_call([*shlex.split(command), *map(str, more)], env={**os.environ, "TESSERA_BIND": str(data.WORK)})


# As gimp_gegl_apply_scale in GIMP 3, for python3 with GEGL's bindings: HOME, factor, samplers, names of files.
SCALE = """
import gi, sys
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl
Gegl.init(None)

def make(graph, name, **properties):
    node = graph.create_child(name)
    for key, value in properties.items():
        node.set_property(key.replace("_", "-"), value)
    return node

factor = float(sys.argv[2])
for how in sys.argv[3].split(","):
    for name in sys.argv[4:]:
        graph = Gegl.Node()
        load = make(graph, "gegl:load", path=sys.argv[1] + "/small/" + name)
        scale = make(graph, "gegl:scale-ratio", x=factor, y=factor, sampler=how, abyss_policy="clamp")
        save = make(graph, "gegl:png-save", path=sys.argv[1] + "/" + how + "/" + name, bitdepth=8)
        load.link(scale)
        scale.link(save)
        save.process()
"""


def scale_by_gegl(command):
    """With the samplers that GIMP offers."""
    for how in GIMP:
        (HOME / how).mkdir(exist_ok=True)
    names = sorted(f.name for f in (HOME / "small").glob("*.png"))
    outside(command, "-c", SCALE, HOME, FACTOR, ",".join(GIMP), *names)


def read(folder):
    return torch.stack([evaluate.read_picture(f) for f in sorted(folder.glob("*.png"))])


def eyes():
    """evaluate.py's classifier, trained once."""
    path, net = HOME / "classifier.pt", evaluate.classifier()
    if path.exists():
        net.load_state_dict(torch.load(path, weights_only=True))
        return net.eval()
    net = evaluate.train_classifier(evaluate.Crops(False, 1), 1500)
    torch.save(net.state_dict(), path)
    return net


@torch.no_grad()
def look(net, x):
    """(its five maps, each cell of length 1; the features of the 64 px windows)"""
    maps, h = [], x[None]
    for layer in net[0][:15]:
        h = layer(h)
        if isinstance(layer, torch.nn.ReLU):
            maps.append(F.normalize(h, dim=1, eps=1e-3))
    tiles = x.unfold(1, 64, 64).unfold(2, 64, 64).reshape(3, -1, 64, 64).transpose(0, 1)
    return maps, net[0](tiles)


def gradients(x):
    """Sorted lengths, at 4096 even ranks."""
    g = torch.stack([x.diff(dim=2)[:, :-1], x.diff(dim=1)[:, :, :-1]]).square().sum((0, 1)).sqrt()
    g = g.flatten().sort().values
    return g[torch.linspace(0, len(g) - 1, 4096).long()]


def measure(net, made, right, seen):
    psnr, distance, windows, slopes, apart = [], [], [], [], []
    for x, y, (maps, _) in zip(made, right, seen):
        psnr.append(float(-10 * ((x - y).square().mean() / 4).log10()))
        mine, features = look(net, x)
        distance.append(sum(float((a - b).square().sum(1).mean()) for a, b in zip(mine, maps)) / len(maps) * 1000)
        windows.append(features)
        g, h = gradients(x), gradients(y)
        slopes.append(float(g.mean() / h.mean()))
        apart.append(float((g - h).abs().mean() / h.mean()))
    frechet = evaluate.frechet(torch.cat(windows), torch.cat([w for _, w in seen]))
    return [sum(v) / len(v) for v in (psnr, distance)] + [frechet] + [sum(v) / len(v) for v in (slopes, apart)]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--run", help="tessera-run, with what it needs before it")
    ap.add_argument("--gegl", help="python3 with GEGL's bindings, the same")
    ap.add_argument("--name", default="tessera", help="folder for what tessera-run makes")
    ap.add_argument("--only", action="store_true")
    ap.add_argument("--sheet", default=data.ROOT / "docs/horizon/upscale.jpg")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("more", nargs="*")
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    if not a.only and not (HOME / "small").exists():
        write_pictures()
    if a.run and not a.only:
        (HOME / a.name).mkdir(exist_ok=True)
        outside(a.run, "upscale", HOME / "small", HOME / a.name, "--scale", FACTOR, "--seed", 1, *a.more)
    if a.gegl and not a.only:
        scale_by_gegl(a.gegl)
    right = read(HOME / "large")
    small = [torch.from_numpy(np.array(Image.open(f))).permute(2, 0, 1) for f in sorted((HOME / "small").glob("*.png"))]
    made = {"bicubic": torch.cat([upscale_data.enlarge(s[None], SIDE) for s in small])}
    for path in sorted(p for p in HOME.iterdir() if p.is_dir() and p.name not in ("large", "small")):
        if len(list(path.glob("*.png"))) == COUNT:
            made[path.name] = read(path)
    net = eyes()
    seen = [look(net, y) for y in right]
    print("| | PSNR, dB | distance | Frechet | gradients | apart |\n|---|---|---|---|---|---|")
    for name, pictures in made.items():
        print("| {} | {:.2f} | {:.2f} | {:.3f} | {:.2f} | {:.3f} |".format(name, *measure(net, pictures, right, seen)))
    if a.name in made:
        columns = [made["bicubic"], *(made[g] for g in GIMP[1:2] if g in made), made[a.name], right]
        rows = [[c[i][:, 160:352, 160:352] for c in columns] for i in range(0, COUNT, 5)]
        evaluate.sheet(rows, Path(a.sheet))


if __name__ == "__main__":
    main()
