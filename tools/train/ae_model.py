# SPDX-License-Identifier: GPL-3.0-or-later
"""The autoencoder's shape, and the photographs as pyramids that crops are cut from."""
import os
import time

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

import data

HEIGHTS = (720, 512, 400, 320, 256)  # a photograph's height in px at each pyramid level; width is twice that


def new_autoencoder():
    return AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, sample_size=256,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 48, 96, 128), layers_per_block=1, norm_num_groups=16, act_fn="silu")


def pyramids(photos, heights=HEIGHTS):
    """For each photograph a list of [3,H,W] uint8 tensors, one per height."""
    out = []
    for p in photos:
        with Image.open(p["path"]) as im:
            im = im.convert("RGB")
            levels = []
            for h in heights:
                small = im if im.height == h else im.resize((2 * h, h), Image.LANCZOS)
                levels.append(torch.from_numpy(np.array(small)).permute(2, 0, 1).contiguous())
        out.append(levels)
    return out


def thumbnail(im):
    """[3,16,32] mean colours, 0..1, to name a crop's colour from."""
    return torch.nn.functional.interpolate(im[None].float() / 255, size=(16, 32), mode="area")[0]


def to_float(u8):
    return u8.float().div_(127.5).sub_(1)


def wait_while_quiet():
    """While the file $HORIZON_QUIET is there, somebody measures times on this machine: stand still."""
    while os.path.exists(os.environ.get("HORIZON_QUIET", data.WORK / "quiet")):
        time.sleep(1)


class Ema:
    """A running mean of a module's parameters, warm from the first steps on."""

    def __init__(self, params, decay):
        self.params, self.decay, self.n = list(params), decay, 0
        self.mean = [p.detach().clone() for p in self.params]

    @torch.no_grad()
    def update(self):
        self.n += 1
        d = min(self.decay, (1 + self.n) / (10 + self.n))
        torch._foreach_lerp_(self.mean, [p.detach() for p in self.params], 1 - d)

    def swap(self):
        for p, m in zip(self.params, self.mean):
            p.data, m.data = m.data, p.data
