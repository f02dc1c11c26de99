# SPDX-License-Identifier: GPL-3.0-or-later
"""The autoencoder's shape, and the photographs as pyramids that crops are cut from."""
import contextlib
import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from PIL import Image

import data

HEIGHTS = (720, 512, 400, 320, 256)  # a photograph's height in px at each pyramid level; width is twice that


def new_autoencoder():
    return AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, sample_size=256,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 48, 96, 128), layers_per_block=1, norm_num_groups=8, act_fn="silu")


@torch.no_grad()
def start_from_means(ae):
    """Sets weights so that the first three latent channels are the mean colour of 8x8 pixels and the decoder
    shows them smoothly. From random weights 1260 steps gave a grey picture at 21.6 dB; this is where it begins.

    The colours ride on channels 0..2 of the residual stream. A group norm takes away mean and scale, so before
    each of the two final norms a colour shares its group with two constants that fix both.
    """
    def row(conv, out_ch, in_ch=None, kernel=None, bias=0.0):
        conv.weight[out_ch] = 0
        conv.bias[out_ch] = bias
        if in_ch is not None:
            conv.weight[out_ch, in_ch] = kernel if kernel is not None else 1.0

    k = ae.encoder.conv_in.weight.shape[-1]
    centre = torch.zeros(k, k)
    centre[k // 2, k // 2] = 1
    mean = torch.zeros(3, 3)
    mean[:2, :2] = 0.25
    soft = torch.tensor([0.25, 0.5, 0.25])
    soft = soft[:, None] * soft[None]

    for part in (ae.encoder, ae.decoder):
        for m in part.modules():
            if type(m).__name__ == "ResnetBlock2D":
                m.conv2.weight *= 0.2
                m.conv2.weight[:3] = 0
                m.conv2.bias[:3] = 0
                if m.conv_shortcut is not None:
                    for c in range(3):
                        row(m.conv_shortcut, c, c)
            elif type(m).__name__ == "Attention":
                m.to_out[0].weight[:3] = 0
                m.to_out[0].bias[:3] = 0
            elif type(m).__name__ == "Downsample2D":
                for c in range(3):
                    row(m.conv, c, c, mean)
            elif type(m).__name__ == "Upsample2D":
                for c in range(3):
                    row(m.conv, c, c, soft)
        for c in range(3):
            row(part.conv_in, c, c, centre)

    def final(part, last, strength):
        """last: the resnet whose shortcut leads to the final norm; groups 0..2 get a colour and two constants."""
        norm = part.conv_norm_out
        size = norm.num_channels // norm.num_groups
        quiet = [m for m in part.modules() if type(m).__name__ == "ResnetBlock2D" and m.out_channels == norm.num_channels]
        for c in (2, 1, 0):
            at = c * size
            for i in range(3):
                for m in quiet:
                    m.conv2.weight[at + i] = 0
                    m.conv2.bias[at + i] = 0
                if part is ae.encoder:
                    part.mid_block.attentions[0].to_out[0].weight[at + i] = 0
                    part.mid_block.attentions[0].to_out[0].bias[at + i] = 0
            row(last.conv_shortcut, at, c)
            row(last.conv_shortcut, at + 1, bias=strength)
            row(last.conv_shortcut, at + 2, bias=-strength)
            s = (2 * strength ** 2 / size + 0.1) ** 0.5
            norm.weight[at] = norm.weight[at + 1] = s
            norm.bias[at] = 4
            norm.bias[at + 1] = 4 - strength
            row(part.conv_out, c)
            part.conv_out.weight[c, at] = centre * 0.95
            part.conv_out.weight[c, at + 1] = -centre * 0.95

    final(ae.encoder, ae.encoder.down_blocks[3].resnets[0], 8.0)
    final(ae.decoder, ae.decoder.up_blocks[3].resnets[0], 4.0)
    n = ae.post_quant_conv.weight.shape[0]
    ae.quant_conv.weight.zero_()
    ae.quant_conv.weight[:, :, 0, 0] = torch.eye(2 * n)
    ae.quant_conv.weight[n:] = 0
    ae.quant_conv.bias.zero_()
    ae.quant_conv.bias[n:] = -6
    ae.post_quant_conv.weight[:, :, 0, 0] = torch.eye(n)
    ae.post_quant_conv.bias.zero_()


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
    return F.interpolate(im[None].float() / 255, size=(16, 32), mode="area")[0]


def to_float(u8):
    return u8.float().div_(127.5).sub_(1)


def device():
    """Where to train: the graphics card when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextlib.contextmanager
def low_precision(dev):
    """bfloat16 for what bears it, on a graphics card or a processor that multiplies matrices of it; float32 elsewhere.
    On a processor attention stays in float32: its gradient took three times as long in bfloat16."""
    on_card, attention = dev.type == "cuda", F.scaled_dot_product_attention

    def in_float(q, k, v, *rest, **options):
        with torch.autocast(dev.type, enabled=False):
            return attention(q.float(), k.float(), v.float(), *rest, **options)

    if not on_card:
        F.scaled_dot_product_attention = in_float
    try:
        with torch.autocast(dev.type, torch.bfloat16, enabled=on_card or torch.cpu._is_amx_tile_supported()):
            yield
    finally:
        F.scaled_dot_product_attention = attention


def progress(step, steps, began, minutes):
    """Share of a training that is done, by steps or by wall clock, whichever is further."""
    return max(step / steps, (time.time() - began) / (60 * minutes))


def learning_rate(top, step, done, warm=200, end=0.02):
    """Up over the first steps, then down along a cosine."""
    return top * min(1, (step + 1) / warm) * (end + (1 - end) * 0.5 * (1 + math.cos(math.pi * min(1, done))))


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
