# SPDX-License-Identifier: GPL-3.0-or-later
"""What upscale_model.py computes in float32 with weights that follow from their names: tests/data/upscaling.

UNet and VAE have Horizon's shape but none of their weights, so that the file outlives every training. Run again
only when upscale_model.py or its CONFIG changes.
"""
import json

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file

import data
import upscale_model
from make_instance_golden import formula, unit, weight


def fill(module):
    module.load_state_dict({n: weight(n, tuple(p.shape)) for n, p in module.state_dict().items()})


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    home = data.ROOT / "models/horizon"
    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(home / "unet")).eval()
    vae = AutoencoderKL.from_config(AutoencoderKL.load_config(home / "vae")).eval()
    fill(unet)
    fill(vae)
    parts, fusions = upscale_model.Parts(unet).eval(), upscale_model.Fusions(vae).eval()
    tensors = {**parts.tensors(), **fusions.tensors()}
    for n, p in tensors.items():
        p.copy_(weight(n, tuple(p.shape)))
    context, out = unit("context", 1, 77, unet.config.cross_attention_dim), {}
    for h, w in ((32, 32), (16, 40)):
        x, z = unit(f"x.{h}x{w}", 1, 4, h, w), unit(f"z.{h}x{w}", 1, 4, h, w)
        parts.look(z, torch.tensor([500]))
        out[f"unet.{h}x{w}"] = unet(x, 500, context).sample
    z, picture = unit("z.decoder", 1, 4, 8, 12), formula("input:picture", 0, 0.75, 3 * 64 * 96).view(1, 3, 64, 96)
    for name, fidelity in (("half", 0.5), ("whole", 1.0)):
        out[f"decoder.{name}"] = fusions.decode(z, picture, fidelity)
    folder = data.ROOT / "tests/data/upscaling"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "horizon.safetensors")
    (folder / "config.json").write_text(json.dumps(parts.config) + "\n")
    shapes = {n: list(p.shape) for n, p in tensors.items()}
    lines = ",\n".join(f"{json.dumps(n)}: {s}" for n, s in shapes.items())
    (folder / "shapes.json").write_text("{\n" + lines + "\n}\n")
    for k, v in out.items():
        print(k, tuple(v.shape), f"{v.square().mean().sqrt():.3f}")


if __name__ == "__main__":
    main()
