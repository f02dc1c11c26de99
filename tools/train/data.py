# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs for Horizon: which ones are free to use, whose they are, which are held out.

The photographs come from a Debian package, by name. Its copyright file decides: only what it puts
under public domain or CC0 is kept. The list is written to models/horizon/DATA.md.
"""
import fnmatch
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

PACKAGES = ("endless-sky-high-dpi", "endless-sky-data")
FREE = ("public-domain", "CC0", "CC0-1.0")
ROOT = Path(__file__).resolve().parents[2]
WORK = Path(os.environ.get("HORIZON_WORK", ROOT / "build-train"))

# Not landscapes: from orbit, space, station interiors, machines.
LEFT_OUT = ("earthrise*", "nasa*", "space*", "station*", "industrial*", "loc*")

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
    """The packages' files under WORK/deb/x, downloaded by apt when they are not there."""
    deb = WORK / "deb"
    out = deb / "x"
    if not (out / "usr/share/games/endless-sky").exists():
        deb.mkdir(parents=True, exist_ok=True)
        subprocess.check_call(["apt-get", "download", *PACKAGES], cwd=deb)
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
    block also meets `fields10-sfiera`, which another block gives a licence of its own."""
    found = ("?", "?", "")
    for patterns, holder, licence, note in rows:
        if any(fnmatch.fnmatchcase(name, p) for p in patterns):
            if patterns in (["*"], ["images/*"]):
                continue  # the game's own files; photographs have blocks of their own
            if licence not in FREE:
                return holder, licence, note
            found = (holder, licence, note)
    return found


def held_out(stems):
    """A tenth of each label's photographs, at least one: those whose names hash lowest."""
    by_label = {}
    for s in stems:
        by_label.setdefault(label_of(s), []).append(s)
    out = set()
    for label in by_label.values():
        label.sort(key=lambda s: hashlib.sha256(s.encode()).hexdigest())
        out.update(label[: max(1, round(len(label) / 10))])
    return out


def label_of(stem):
    return re.match(r"[a-z]+", stem).group(0)


def photographs():
    """[dict] of every kept photograph, sorted by name."""
    x = fetch()
    base = x / "usr/share/games/endless-sky"
    rows = [read_copyright(x / "usr/share/doc" / p / "copyright") for p in PACKAGES]
    labels = read_labels()
    kept, dropped = [], {}
    for path in sorted((base / "plugins/endless-sky-high-dpi/images/land").glob("*@2x.jpg")):
        stem = path.name[: -len("@2x.jpg")]
        answers = [look_up(r, f"images/land/{stem}.jpg") for r in rows]
        answers += [look_up(r, f"images/land/{path.name}") for r in rows]
        bad = [a for a in answers if a[1] not in FREE]  # every copyright file must agree
        if bad:
            dropped[stem] = bad[0][1]
            continue
        if any(fnmatch.fnmatchcase(stem, p) for p in LEFT_OUT):
            dropped[stem] = "not a landscape"
            continue
        holder, licence, note = answers[1]
        kept.append(dict(stem=stem, path=path, holder=holder, licence=licence, note=note, **labels[stem]))
    held = held_out([k["stem"] for k in kept])
    for k in kept:
        k["held_out"] = k["stem"] in held
    return kept, dropped


if __name__ == "__main__":
    kept, dropped = photographs()
    print(len(kept), "kept,", sum(k["held_out"] for k in kept), "held out;", len(dropped), "left out")
    count = {}
    for k in kept:
        c = count.setdefault(k["cls"], [0, 0])
        c[k["held_out"]] += 1
    for c in sorted(count):
        print(f"  {c:10} train {count[c][0]:3}  held out {count[c][1]}")
