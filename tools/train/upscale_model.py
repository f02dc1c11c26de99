# SPDX-License-Identifier: GPL-3.0-or-later
"""StableSR's parts round any diffusers UNet and VAE: a time-aware encoder of the picture's latent, modulations
(SPADE) in the UNet's residual blocks, fusions in the decoder. Names of tensors are the published files', so core/
reads both alike.

    parts = upscale_model.Parts(unet, config)      # hooks into unet; parts.parameters() are to be trained
    parts.look(z_small, t); v = unet(x, t, context).sample
    decoder = upscale_model.Fusions(vae, config)   # picture = decoder.decode(z, enlarged, fidelity)

Modulations begin at what they find: their norm's weights by calibrate(), gamma and beta at zero; so do fusions, where
every convolution that ends a branch begins at zero. Source: Wang 2023 (StableSR), Park 2019 (SPADE), Wang 2018 (ESRGAN).
"""
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

CONFIG = dict(
    width=64,  # of the encoder's first level
    channels=[64, 128, 192],  # of each level, as many as the UNet has
    map_channels=64,  # of what the modulations see
    hidden=64,  # of a modulation
    heads=4,
    groups=32,  # of the encoder's and the modulations' norms
    window=32,  # in latent cells: what it is trained on
    **{"any-size": False},  # its second picture is painted anew unless this is asked for
    blocks=1,  # dense ones of a fusion
    growth=16,
)
FUSED = (1, 2)  # levels of the decoder


class ResBlock(nn.Module):
    def __init__(self, src, dst, time, groups):
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(groups, src), nn.SiLU(), nn.Conv2d(src, dst, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time, dst))
        self.out_layers = nn.Sequential(nn.GroupNorm(groups, dst), nn.SiLU(), nn.Identity(),
                                        nn.Conv2d(dst, dst, 3, padding=1))
        self.skip_connection = nn.Conv2d(src, dst, 1) if src != dst else nn.Identity()

    def forward(self, x, emb):
        h = self.in_layers(x) + self.emb_layers(emb)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class Attention(nn.Module):
    """Channels of qkv are head by head: q, k, v of the first, then of the second."""

    def __init__(self, width, heads, groups):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, width)
        self.qkv = nn.Conv1d(width, 3 * width, 1)
        self.proj_out = nn.Conv1d(width, width, 1)

    def forward(self, x, emb):
        n, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x).reshape(n, c, h * w)).view(n, self.heads, 3, c // self.heads, h * w).unbind(2)
        y = F.scaled_dot_product_attention(q.transpose(2, 3), k.transpose(2, 3), v.transpose(2, 3)).transpose(2, 3)
        return x + self.proj_out(y.reshape(n, c, h * w)).view(n, c, h, w)


class Down(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x, emb):
        return self.op(x)


class Encoder(nn.Module):
    """[n,4,h,w] at times [n] -> a map for each level; attention in the middle alone."""

    def __init__(self, c):
        super().__init__()
        time, before, g = 4 * c["width"], c["width"], c["groups"]
        self.width = c["width"]
        self.time_embed = nn.Sequential(nn.Linear(self.width, time), nn.SiLU(), nn.Linear(time, time))
        blocks = [nn.ModuleList([nn.Conv2d(4, before, 3, padding=1)])]
        for i, width in enumerate(c["channels"]):
            for _ in range(2):
                blocks.append(nn.ModuleList([ResBlock(before, width, time, g)]))
                before = width
            if i < len(c["channels"]) - 1:
                blocks.append(nn.ModuleList([Down(width)]))
        self.input_blocks = nn.ModuleList(blocks)
        self.middle_block = nn.ModuleList([ResBlock(before, before, time, g), Attention(before, c["heads"], g),
                                           ResBlock(before, before, time, g)])
        self.fea_tran = nn.ModuleList([ResBlock(w, c["map_channels"], time, g) for w in c["channels"]])

    def forward(self, z, t):
        f = torch.exp(-math.log(10000) * torch.arange(self.width // 2, device=z.device) / (self.width // 2))
        a = t.float()[:, None] * f
        emb = self.time_embed(torch.cat([a.cos(), a.sin()], 1))
        x, taps = self.input_blocks[0][0](z), []
        for (block,) in self.input_blocks[1:]:
            if isinstance(block, Down):
                taps.append(x)
            x = block(x, emb)
        for block in self.middle_block:
            x = block(x, emb)
        return [block(tap, emb) for block, tap in zip(self.fea_tran, [*taps, x])]


class Spade(nn.Module):
    def __init__(self, width, c):
        super().__init__()
        self.param_free_norm = nn.GroupNorm(c["groups"], width)  # it has parameters all the same
        self.mlp_shared = nn.Sequential(nn.Conv2d(c["map_channels"], c["hidden"], 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(c["hidden"], width, 3, padding=1)
        self.mlp_beta = nn.Conv2d(c["hidden"], width, 3, padding=1)
        for p in (*self.mlp_gamma.parameters(), *self.mlp_beta.parameters()):
            nn.init.zeros_(p)

    def forward(self, h, seen):
        a = self.mlp_shared(seen)
        return self.param_free_norm(h) * (1 + self.mlp_gamma(a)) + self.mlp_beta(a)


def published_name(unet, name):
    """The block of a residual block in the published naming."""
    per = unet.config.layers_per_block
    part, *rest = name.split(".")
    if part == "mid_block":
        return f"middle_block.{2 * int(rest[1])}"
    level, i = int(rest[0]), int(rest[2])
    return f"input_blocks.{1 + level * (per + 1) + i}.0" if part == "down_blocks" else \
        f"output_blocks.{level * (per + 1) + i}.0"


class Parts(nn.Module):
    """The encoder and the modulations, hooked into the residual blocks of a UNet."""

    def __init__(self, unet, config=None, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.config = dict(CONFIG if config is None else config)
        self.encoder = Encoder(self.config)
        self.spades, self.names, self.maps, self.fit = nn.ModuleList(), [], {}, None
        for name, m in unet.named_modules():
            if type(m).__name__ == "ResnetBlock2D":
                self.names.append(published_name(unet, name))
                self.spades.append(Spade(m.out_channels, self.config))
                m.conv2.register_forward_hook(self.hook(len(self.names) - 1))

    def hook(self, i):
        def modulate(module, args, h):
            if self.fit is not None:
                self.fit[i].append(h.detach().float())
            return self.spades[i](h, self.maps[tuple(h.shape[-2:])]) if self.maps else h
        return modulate

    def look(self, z, t):
        """What the UNet's next calls see; z None: nothing, and the UNet is as it was."""
        self.maps = {} if z is None else {tuple(m.shape[-2:]): m for m in self.encoder(z, t)}

    @torch.no_grad()
    def calibrate(self, run):
        """Norms' weights so that norm (h) is what h was, as well as may be, over what run() gives the UNet."""
        self.look(None, None)
        self.fit = [[] for _ in self.spades]
        run()
        for s, found in zip(self.spades, self.fit):
            h = torch.cat(found)
            g = F.group_norm(h, s.param_free_norm.num_groups).transpose(0, 1).flatten(1)
            h = h.transpose(0, 1).flatten(1)
            mean = g.mean(1)
            slope = ((g - mean[:, None]) * h).mean(1) / (g.var(1) + 1e-6)
            s.param_free_norm.weight.copy_(slope)
            s.param_free_norm.bias.copy_(h.mean(1) - slope * mean)
        self.fit = None

    def tensors(self):
        out = {f"structcond_stage_model.{n}": p for n, p in self.encoder.state_dict().items()}
        for name, s in zip(self.names, self.spades):
            out.update({f"model.diffusion_model.{name}.spade.{n}": p for n, p in s.state_dict().items()})
        return out


class ResNet(nn.Module):
    def __init__(self, src, dst, groups):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, src, eps=1e-6), nn.Conv2d(src, dst, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(groups, dst, eps=1e-6), nn.Conv2d(dst, dst, 3, padding=1)
        self.conv_out = nn.Conv2d(src, dst, 1) if src != dst else nn.Identity()

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return self.conv2(F.silu(self.norm2(h))) + self.conv_out(x)


class Dense(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        for i in range(5):
            conv = nn.Conv2d(width + i * growth, growth if i < 4 else width, 3, padding=1)
            with torch.no_grad():
                conv.weight.mul_(0.5)
            setattr(self, f"conv{i + 1}", conv)

    def forward(self, x):
        seen = x
        for i in range(4):
            seen = torch.cat([seen, F.leaky_relu(getattr(self, f"conv{i + 1}")(seen), 0.2)], 1)
        return x + 0.2 * self.conv5(seen)


class DenseBlock(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (Dense(width, growth) for _ in range(3))

    def forward(self, x):
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class Fusion(nn.Module):
    def __init__(self, width, groups, c):
        super().__init__()
        self.encode_enc_1 = ResNet(2 * width, width, groups)
        self.encode_enc_2 = nn.Sequential(*(DenseBlock(width, c["growth"]) for _ in range(c["blocks"])))
        self.encode_enc_3 = ResNet(width, width, groups)

    def forward(self, seen, h, fidelity):
        return h + fidelity * self.encode_enc_3(self.encode_enc_2(self.encode_enc_1(torch.cat([seen, h], 1))))


class Fusions(nn.Module):
    """The decoder of `vae`, which stays as it is, with a look at the picture."""

    def __init__(self, vae, config=None, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.vae = [vae]  # not a module of ours
        c = vae.config
        for k in FUSED:
            fusion = Fusion(c.block_out_channels[k], c.norm_num_groups, config or CONFIG)
            first, last = fusion.encode_enc_1, fusion.encode_enc_3
            dense = [m.conv5 for m in fusion.modules() if isinstance(m, Dense)]
            for m in (first.conv2, first.conv_out, last.conv2, *dense):
                nn.init.zeros_(m.weight)
                nn.init.zeros_(m.bias)
            setattr(self, f"fusion_layer_{k}", fusion)

    def features(self, picture):
        """What the fusions see of a picture [n,3,h,w]."""
        encoder, out = self.vae[0].encoder, {}
        x = encoder.conv_in(picture)
        for k, block in enumerate(encoder.down_blocks[:max(FUSED) + 1]):
            for resnet in block.resnets:
                x = resnet(x, None)
            out[k] = x
            for d in block.downsamplers:
                x = d(x)
        return out

    def decode(self, z, picture, fidelity=1.0):
        vae, seen = self.vae[0], self.features(picture)
        decoder = vae.decoder
        x = decoder.mid_block(decoder.conv_in(vae.post_quant_conv(z / vae.config.scaling_factor)))
        last = len(decoder.up_blocks) - 1
        for i, block in enumerate(decoder.up_blocks):
            for resnet in block.resnets:
                x = resnet(x, None)
            if last - i in FUSED:
                x = getattr(self, f"fusion_layer_{last - i}")(seen[last - i], x, fidelity)
            for up in block.upsamplers or ():
                x = up(x)
        return decoder.conv_out(decoder.conv_act(decoder.conv_norm_out(x)))

    def tensors(self):
        return {f"decoder.{n}": p for n, p in self.state_dict().items()}


def save(config, tensors, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    path = folder / "diffusion_pytorch_model.safetensors"
    save_file({n: v.detach().to("cpu", torch.float16).contiguous() for n, v in tensors.items()}, path,
              metadata={"format": "pt"})
    path.chmod(0o644)


def load(unet, vae, folder):
    """(Parts, Fusions) of what save() wrote."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    state = load_file(folder / "diffusion_pytorch_model.safetensors")
    parts, fusions = Parts(unet, config).eval(), Fusions(vae, config).eval()
    with torch.no_grad():
        for n, p in {**parts.tensors(), **fusions.tensors()}.items():
            p.copy_(state.pop(n))
    assert not state, sorted(state)
    return parts, fusions
