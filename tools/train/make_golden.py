# SPDX-License-Identifier: GPL-3.0-or-later
"""What the diffusers reference computes with models/horizon in float32: tests/data/horizon/golden.{safetensors,json}.

The keys are those of golden/sd, guidance too; sample.ddim_trailing is the model's own scheduler. Run again after every export.
"""
import json

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

import data

PROMPTS = ["mountains at sunset, clouds", "", "A photo of the sea, waves, dusk", "snow, glacier, whole view"]
GUIDANCE, STEPS, SEED = 7.5, 20, 7


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    model = data.ROOT / "models/horizon"
    out = data.ROOT / "tests/data/horizon"
    out.mkdir(parents=True, exist_ok=True)
    kw = dict(torch_dtype=torch.float32)
    tok = CLIPTokenizer.from_pretrained(model / "tokenizer")
    text = CLIPTextModel.from_pretrained(model / "text_encoder", **kw).eval()
    unet = UNet2DConditionModel.from_pretrained(model / "unet", **kw).eval()
    vae = AutoencoderKL.from_pretrained(model / "vae", **kw).eval()
    sched = DDIMScheduler.from_pretrained(model / "scheduler")
    g = {}
    ids = tok(PROMPTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    g["tokens"] = ids.int()
    enc = text(ids, output_hidden_states=True)
    g["text.last_hidden_state"] = enc.last_hidden_state
    g["text.pooled"] = enc.pooler_output
    context = enc.last_hidden_state[:2]
    for h, w in ((32, 32), (16, 64)):
        torch.manual_seed(h + w)
        x = torch.randn(2, 4, h, w)
        g[f"unet.{h}x{w}.in"] = x
        for t in (1, 500, 950):
            g[f"unet.{h}x{w}.t{t}"] = unet(x, t, context).sample
    start = torch.randn(1, 4, 32, 32, generator=torch.manual_seed(SEED))
    g["sample.start"] = start
    leading = DDIMScheduler.from_config(sched.config, timestep_spacing="leading", steps_offset=1)
    for name, s in (("ddim", leading), ("ddim_trailing", sched)):
        s.set_timesteps(STEPS)
        x = start * s.init_noise_sigma
        for t in s.timesteps:
            v = unet(torch.cat([x, x]), t, context).sample
            v = v[1:] + GUIDANCE * (v[:1] - v[1:])
            x = s.step(v, t, x).prev_sample
        g[f"sample.{name}.{STEPS}"] = x
        g[f"sample.{name}.{STEPS}.timesteps"] = s.timesteps.int()
    g["vae.latent"] = x
    g["vae.decoded"] = vae.decode(x / vae.config.scaling_factor).sample
    small = vae.decode(x[:, :, 8:16, 8:24]).sample
    g["vae.pixels"] = small.clamp(-1, 1)
    moments = vae.encode(g["vae.pixels"]).latent_dist
    g["vae.mean"], g["vae.logvar"] = moments.mean, moments.logvar
    save_file({k: v.clone(memory_format=torch.contiguous_format) for k, v in g.items()}, out / "golden.safetensors")
    (out / "golden.json").write_text(json.dumps({
        "model": "models/horizon", "prompts": PROMPTS, "guidance": GUIDANCE, "seed": SEED, "steps": STEPS,
        "context": "rows 0 (positive) and 1 (negative, empty) of text.last_hidden_state",
        "samplers": "ddim: leading spacing, offset 1; ddim_trailing: the model's own scheduler, decoded in vae.decoded",
        "scale_factor": vae.config.scaling_factor}, indent=2) + "\n")
    print((out / "golden.safetensors").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
