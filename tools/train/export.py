# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes models/horizon from the checkpoints in WORK: the mean weights as float16, in the diffusers layout."""
import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import DDIMScheduler
from safetensors.torch import load_file, save_file

import ae_model
import data
import ldm

MODEL_INDEX = {
    "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0",
    "feature_extractor": [None, None], "image_encoder": [None, None], "safety_checker": [None, None],
    "requires_safety_checker": False,
    "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"]}


def write_data_page(path):
    kept, dropped = data.photographs()
    lines = ["# What Horizon was trained on", "",
             f"{len(kept)} photographs, 1440x720, from the Debian package `endless-sky-high-dpi` (images/land); "
             f"{sum(k['held_out'] for k in kept)} of them were held out of the training and only measured with.",
             "Kept are only files that the package's copyright file puts under public domain or CC0; where two of its",
             "patterns meet a file and one is not free, the file is left out. `tools/train/data.py` makes this choice",
             "and this page. Captions: `tools/train/labels.tsv`, written for this project by looking.", "",
             "| file | author or source | licence | held out |", "|---|---|---|---|"]
    for k in kept:
        source = k["note"].split(",")[0].replace("Taken from ", "") or "-"
        holder = k["holder"] if k["holder"] != "Various" else f"various ({source})"
        lines.append(f"| {k['stem']}@2x.jpg | {holder} | {k['licence']} | {'yes' if k['held_out'] else ''} |")
    reasons = {}
    for s, r in dropped.items():
        reasons.setdefault(r, []).append(s)
    lines += ["", "Left out:", ""]
    for r in sorted(reasons):
        lines.append(f"- {r}: {', '.join(sorted(reasons[r]))}")
    path.write_text("\n".join(lines) + "\n")


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else data.ROOT / "models/horizon"
    out.mkdir(parents=True, exist_ok=True)
    ae = ae_model.new_autoencoder()
    ae.load_state_dict(torch.load(data.WORK / "ae.pt", weights_only=True)["ae"])
    ae.register_to_config(scaling_factor=1.0, force_upcast=False)
    tok = ldm.tokenizer()
    unet, text = ldm.new_unet(), ldm.new_text_encoder(len(tok))
    state = torch.load(data.WORK / "ldm.pt", weights_only=True)
    for p, m in zip([*unet.parameters(), *text.parameters()], state["ema"]):
        p.data = m
    ae.half().save_pretrained(out / "vae")
    unet.half().save_pretrained(out / "unet")
    text.half().save_pretrained(out / "text_encoder")
    # transformers 5 leaves the prefix out; every checkpoint of this family in the wild has it.
    weights = out / "text_encoder/model.safetensors"
    tensors = {k if k.startswith("text_model.") else f"text_model.{k}": v for k, v in load_file(weights).items()}
    save_file(tensors, weights, metadata={"format": "pt"})
    DDIMScheduler(**ldm.SCHEDULE).save_pretrained(out / "scheduler")
    shutil.copytree(data.WORK / "tokenizer", out / "tokenizer", dirs_exist_ok=True)
    (out / "model_index.json").write_text(json.dumps(MODEL_INDEX, indent=2) + "\n")
    write_data_page(out / "DATA.md")
    n = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"{out}: UNet after {state['step']} steps, {n / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
