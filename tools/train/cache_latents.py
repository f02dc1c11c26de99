# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes WORK/latents.pt: every photograph and its mirror image, encoded at five sizes (the largest unmirrored).

Before that the latent space is brought to mean 0 and deviation 1 per channel, inside quant_conv and
post_quant_conv, so the scale factor is 1 and any loader gets it right. Done once: later runs of
train_ae.py --decoder-only leave the encoder as it is. Sizes that are there already are left alone.
"""
import time

import torch

import ae_model
import data

SIZES = (128, 160, 256, 320, 512)  # heights in px; the width is twice that


def fold(ae, mean, std):
    """quant_conv gives (mean - m) / s and a log variance to match; post_quant_conv takes them back."""
    n = mean.numel()
    q, p = ae.quant_conv, ae.post_quant_conv
    with torch.no_grad():
        q.weight[:n] /= std.view(n, 1, 1, 1)
        q.bias[:n] = (q.bias[:n] - mean) / std
        q.bias[n:] -= 2 * std.log()
        p.bias += (p.weight[:, :, 0, 0] @ mean)
        p.weight *= std.view(1, n, 1, 1)


@torch.no_grad()
def main():
    torch.set_num_threads(2)
    photos, _ = data.photographs()
    pyr = ae_model.pyramids(photos, SIZES)
    state = torch.load(data.WORK / "ae.pt", weights_only=True)
    ae = ae_model.new_autoencoder()
    ae.load_state_dict(state["ae"])
    ae = ae.to(memory_format=torch.channels_last).eval()
    if not state.get("folded"):
        zs = [ae.encode(ae_model.to_float(l[2][None])).latent_dist.mean[0].flatten(1)
              for p, l in zip(photos, pyr) if not p["held_out"]]
        z = torch.cat(zs, 1)
        print("mean", z.mean(1).tolist(), "std", z.std(1).tolist())
        fold(ae, z.mean(1), z.std(1))
        torch.save({**state, "ae": ae.state_dict(), "folded": True}, data.WORK / "ae.pt")
    out = [{"stem": p["stem"], "thumb": ae_model.thumbnail(levels[0])} for p, levels in zip(photos, pyr)]
    path = data.WORK / "latents.pt"
    if path.exists():
        out = torch.load(path, weights_only=True)
    for k, h in enumerate(SIZES):
        if f"{h}.0" in out[0]:
            continue
        began = time.time()
        for rec, levels in zip(out, pyr):
            ae_model.wait_while_quiet()
            x = ae_model.to_float(levels[k][None])
            for flip in (0, 1) if h < 512 else (0,):  # the largest costs as much as all others
                if flip:
                    x = x.flip(3)
                x = x.contiguous(memory_format=torch.channels_last)
                rec[f"{h}.{flip}"] = ae.encode(x).latent_dist.mean[0].half().contiguous()
        z = torch.cat([r[f"{h}.0"].float().flatten(1) for r in out], 1)
        print(f"{h} px: mean", z.mean(1).tolist(), "std", z.std(1).tolist(), f"{time.time() - began:.0f} s", flush=True)
        tmp = data.WORK / "latents.tmp"
        torch.save(out, tmp)  # a training that has begun on the small sizes picks up the others
        tmp.rename(path)


if __name__ == "__main__":
    main()
