# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs for Horizon: which ones are free to use, whose they are, which are held out.

The photographs come from a Debian package, by name. Its copyright files decide: only what all of them put
under public domain or CC0 is kept. The list is written to models/horizon/DATA.md. What is kept is copied to
WORK/photographs, which is all that training reads: it can be carried to another machine.
"""
import argparse
import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

PACKAGES = ("endless-sky-high-dpi", "endless-sky-data")
FREE = ("public-domain", "CC0", "CC0-1.0", "CC0 or public-domain")
ROOT = Path(__file__).resolve().parents[2]
WORK = Path(os.environ.get("HORIZON_WORK", ROOT / "build-train"))
HOME = WORK / "photographs"

# Not landscapes: from orbit, space, other planets, station interiors, machines.
LEFT_OUT = ("earthrise*", "nasa*", "space*", "station*", "industrial*", "loc*", "asteroid*", "mars*", "mercury*",
            "moon*", "methuselah*", "mountain26", "snow15")

LABELS = Path(__file__).with_name("labels.tsv")


def read_labels():
    """name -> what was seen in it: the class, further words, where the skyline lies, sky and light."""
    out = {}
    for line in LABELS.read_text().splitlines():
        if line.startswith("#"):
            continue
        stem, cls, words, skyline, sky, light = line.split("\t")
        out[stem] = dict(cls=cls, words=[w for w in words.split(",") if w != "."],
                         skyline=float(skyline), sky=sky, light=light)
    return out


def fetch():
    """The packages' files under WORK/deb/x, downloaded when they are not there, by the sandbox's apt:
    an older Debian has half of the photographs."""
    deb = WORK / "deb"
    out = deb / "x"
    if not (out / "usr/share/games/endless-sky").exists():
        deb.mkdir(parents=True, exist_ok=True)
        subprocess.check_call([ROOT / "tools/sandbox", "--build", "sh", "-c",
                               f"cd '{deb}' && apt-get update && apt-get download {' '.join(PACKAGES)}"],
                              env={**os.environ, "TESSERA_BIND": str(deb)})
        for f in deb.glob("*.deb"):
            subprocess.check_call(["dpkg-deb", "-x", str(f), str(out)])
    return out


def read_copyright(path):
    """[(patterns, holder, licence, note)] in file order."""
    rows = []
    for block in re.split(r"\n\s*\n", path.read_text()):
        field, fields = None, {}
        for line in block.splitlines():
            m = re.match(r"^([A-Z][A-Za-z-]*):\s*(.*)$", line)
            if m:
                field = m.group(1)
                fields[field] = m.group(2)
            elif field:
                fields[field] += "\n" + line.strip()
        if "Files" not in fields:
            continue
        lic = fields.get("License", "").split("\n")
        note = " ".join(lic[1:] + [fields.get("Comment", "").replace("\n", " ")]).strip()
        rows.append((fields["Files"].split(), fields.get("Copyright", "?"), lic[0].strip(), note))
    return rows


def look_up(rows, name):
    """(holder, licence, note) of the last match, but of any match that is not free: `fields1*` of one
    block also meets `fields10-sfiera`, which another block gives a licence of its own. The game's own files
    (`*`, `images/*`) say nothing: photographs have blocks of their own."""
    found = None
    for patterns, holder, licence, note in rows:
        if any(fnmatch.fnmatchcase(name, p) for p in patterns if p not in ("*", "images/*")):
            if licence not in FREE:
                return holder, licence, note
            found = (holder, licence, note)
    return found


def choose():
    """([dict] of every photograph to keep, sorted by name; {name: why it is left out})"""
    x = fetch()
    base = x / "usr/share/games/endless-sky/plugins/endless-sky-high-dpi"
    rows = [read_copyright(f) for f in (*(x / "usr/share/doc" / p / "copyright" for p in PACKAGES), base / "copyright")]
    labels = read_labels()
    kept, dropped = [], {}
    for path in sorted((base / "images/land").glob("*@2x.*")):
        stem = path.name.split("@2x")[0]
        answers = [look_up(r, f"images/land/{name}") for r in rows for name in (stem + path.suffix, path.name)]
        answers = [a for a in answers if a]
        bad = [a for a in answers if a[1] not in FREE]  # every copyright file must agree
        if bad or not answers:
            dropped[stem] = bad[0][1] if bad else "not named in any copyright file"
        elif any(fnmatch.fnmatchcase(stem, p) for p in LEFT_OUT):
            dropped[stem] = "not a landscape"
        else:
            holder, licence, note = answers[-1]
            kept.append(dict(stem=stem, path=str(path), holder=holder, licence=licence, note=note, **labels[stem]))
    held = held_out(kept)
    for k in kept:
        k["held_out"] = k["stem"] in held
    return kept, dropped


def held_out(photos):
    """A tenth of each class's photographs, at least one: those whose names hash lowest."""
    by_class = {}
    for p in photos:
        by_class.setdefault(p["cls"], []).append(p["stem"])
    out = set()
    for stems in by_class.values():
        stems.sort(key=lambda s: hashlib.sha256(s.encode()).hexdigest())
        out.update(stems[: max(1, round(len(stems) / 10))])
    return out


def collect(quality=0):
    """Fills WORK/photographs. quality: 0 copies the files; else WebP of that quality, to carry them elsewhere."""
    kept, dropped = choose()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    for k in kept:
        source = Path(k["path"])
        k["path"] = k["stem"] + (".webp" if quality else source.suffix.lower())
        if quality:
            from PIL import Image
            Image.open(source).convert("RGB").save(HOME / k["path"], quality=quality, method=6)
        else:
            shutil.copy(source, HOME / k["path"])
    (HOME / "list.json").write_text(json.dumps({"kept": kept, "dropped": dropped}, indent=1))


def photographs():
    """As choose(), of what collect() put into WORK/photographs; `path` leads there."""
    if not (HOME / "list.json").exists():
        collect()
    found = json.loads((HOME / "list.json").read_text())
    for k in found["kept"]:
        k["path"] = HOME / k["path"]
    return found["kept"], found["dropped"]


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--quality", type=int, default=0, help="WebP of this quality instead of the files themselves")
    collect(ap.parse_args().quality)
    kept, dropped = photographs()
    print(len(kept), "kept,", sum(k["held_out"] for k in kept), "held out;", len(dropped), "left out")
    count = {}
    for k in kept:
        c = count.setdefault(k["cls"], [0, 0])
        c[k["held_out"]] += 1
    for c in sorted(count):
        print(f"  {c:10} train {count[c][0]:3}  held out {count[c][1]}")
