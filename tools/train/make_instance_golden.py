# SPDX-License-Identifier: GPL-3.0-or-later
"""What instance_model.py computes in float32 with weights that follow from their names: tests/data/instance.

The UNet has Horizon's shape but none of its weights, so that the file outlives every training. The formula is
core/model-formula.c's. Run again only when instance_model.py or its CONFIG changes.
"""
import math

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

import data
import instance_model


def formula(name, offset, amplitude, n):
    key = 0xCBF29CE484222325
    for b in name.encode():
        key = ((key ^ b) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(n, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.from_numpy((offset + amplitude * (2 * u - 1)).astype(np.float32)).half().float()


def weight(name, shape):
    last = name.rsplit(".", 1)[-1]
    n = math.prod(shape)
    if last in ("alpha_attn", "alpha_dense"):
        offset, amplitude = 0.5, 0.25
    elif last.startswith("scaleu_") or last in ("gamma", "pos_embedding"):
        offset, amplitude = 0, 0.5
    elif len(shape) > 1:
        offset, amplitude = 0, math.sqrt(3 / math.prod(shape[1:]))
    else:
        offset, amplitude = (1 if last == "weight" else 0), 0.1
    return formula(name, offset, amplitude, n).reshape(shape)


def unit(name, *shape):
    return formula(f"input:{name}", 0, math.sqrt(3), math.prod(shape)).reshape(shape)


def u01(name, *shape):
    return formula(f"input:{name}", 0.5, 0.5, math.prod(shape)).reshape(shape)


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(data.ROOT / "models/horizon/unet")).eval()
    instance_model.add(unet)
    unet.load_state_dict({n: weight(n, tuple(p.shape)) for n, p in unet.state_dict().items()})
    c = unet.instance_config
    n, side, width = 3, c["mask_side"], c["text_width"]
    batch = instance_model.null_batch(c, 1)
    batch["text"][0, :n] = unit("text", n, width)
    batch["used"][0, :n] = 1
    batch["box"][0, :n] = torch.tensor([[0.1, 0.2, 0.6, 0.9], [0.5, 0, 1, 0.5], [0, 0.75, 0.25, 1]])
    batch["point"][0, :n] = torch.tensor([[0.35, 0.55], [0.75, 0.25], [0.125, 0.875]])
    batch["polygon"][0, :2] = u01("polygon", 2, 2 * c["polygon_points"])
    batch["scribble"][0, 2] = u01("scribble", 2 * c["scribble_points"])
    batch["segmentation"][0, 0, side // 4:side // 2, side // 8:side // 2] = 1
    batch["segmentation"][0, 1, :side // 2, side // 2:] = 1
    null = instance_model.null_batch(c, 1)
    context = unit("context", 1, 77, width)
    out = {}
    boxes = {**batch, "drop": torch.tensor([[0., 0, 1, 1]])}
    for name, b in (("all", batch), ("null", null), ("box", boxes), ("masked.all", batch), ("masked.null", null),
                    ("masked.box", boxes)):
        c["masked"] = name.startswith("masked.")
        unet.position_net.cells = (1, 1)  # of no consequence for tokens
        if not c["masked"]:
            out[f"{name}.tokens"] = unet.position_net(**b)
        for h, w in ((32, 32), (16, 64)):
            x = unit(f"x.{h}x{w}", 1, 4, h, w)
            out[f"{name}.{h}x{w}"] = unet(x, 500, context, cross_attention_kwargs={"gligen": b}).sample
    folder = data.ROOT / "tests/data/instance"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "horizon.safetensors")
    for k, v in out.items():
        print(k, tuple(v.shape), f"{v.square().mean().sqrt():.3f}")


if __name__ == "__main__":
    main()
