# SPDX-License-Identifier: GPL-3.0-or-later
"""InstanceDiffusion's parts round any diffusers UNet: tokenizer (position_net), fusers, ScaleU.

    unet = UNet2DConditionModel.from_pretrained("models/horizon/unet")
    params = instance_model.add(unet)              # what is to be trained; the rest keeps its grad flags
    noise = unet(x, t, context, cross_attention_kwargs={"gligen": batch}).sample
    instance_model.save(unet, "models/horizon/instance")

`batch` is what PositionNet.forward takes; pictures without an instance take `null_batch`. The names of the
tensors are those of the published checkpoint where diffusers agrees, so core/ reads both alike. Gates
(alpha_*) and ScaleU begin at zero: an untrained addition changes nothing.
Sources: Wang 2024 (InstanceDiffusion), Liu 2022 (ConvNeXt), Li 2023 (GLIGEN's gated attention).
"""
import json
from pathlib import Path

import torch
from diffusers.models.attention import BasicTransformerBlock, GatedSelfAttentionDense
from safetensors.torch import load_file, save_file
from torch import nn

FREQUENCIES = 16
CONFIG = dict(
    slots=30,  # instances in a picture at most; the masks' first convolution has as many inputs
    text_width=128,  # of the text encoder
    token_width=128,  # of what the fusers read
    mlp_width=256,
    scribble_points=20,
    polygon_points=64,  # of a mask: half on its outline, half inside
    mask_side=256,  # pixels of the masks' picture; 32 per cell of the trunk's result
    trunk_channels=[24, 48, 96, 192],
    trunk_depths=[1, 1, 2, 1],
    formats=["box", "point", "scribble", "mask"],  # which were trained
    masked=True,  # the finest fusers let a cell read only of instances that lie there
    prompts=True,  # a thing is plain only where its text is the prompt as well
)
FORMATS = ("box", "point", "scribble", "polygon")


def fourier(x):
    """[..., d] in 0..1 -> [..., 32 d]: for each frequency 100^(i/16) the sines of all, then the cosines."""
    waves = [f(100 ** (i / FREQUENCIES) * x) for i in range(FREQUENCIES) for f in (torch.sin, torch.cos)]
    return torch.cat(waves, -1)


class ChannelNorm(nn.LayerNorm):
    """Over the channels of [n, c, h, w]."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class TrunkBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)
        # ConvNeXt's published 1e-6 is for training much deeper ones.
        self.gamma = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x):
        h = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        h = self.gamma * self.pwconv2(nn.functional.gelu(self.pwconv1(h)))
        return x + h.permute(0, 3, 1, 2)


class Trunk(nn.Module):
    """ConvNeXt without its last norm and head: [n, 3, s, s] -> [n, c, s/32, s/32]."""

    def __init__(self, channels, depths):
        super().__init__()
        self.downsample_layers = nn.ModuleList()
        self.stages = nn.ModuleList()
        before = 3
        for i, (width, depth) in enumerate(zip(channels, depths)):
            norm = ChannelNorm(width if i == 0 else before, eps=1e-6)
            conv = nn.Conv2d(before, width, *((4, 4) if i == 0 else (2, 2)))
            self.downsample_layers.append(nn.Sequential(*((conv, norm) if i == 0 else (norm, conv))))
            self.stages.append(nn.Sequential(*(TrunkBlock(width) for _ in range(depth))))
            before = width

    def forward(self, x):
        for down, stage in zip(self.downsample_layers, self.stages):
            x = stage(down(x))
        return x


class PositionNet(nn.Module):
    """Where each instance is and what it is -> tokens [b, 4 slots + mask tokens, token_width]."""

    def __init__(self, config):
        super().__init__()
        c = self.config = config
        self.n_mask_tokens = (c["mask_side"] // 32) ** 2 // 4
        width = 4 * c["trunk_channels"][-1]
        self.cells = None  # (h, w) of what the finest fusers see
        self.regions = self.seen = None  # of the last call
        self.head_start = 0.0  # what the tokens of instances score more, while learning
        sizes = dict(box=4, point=2, scribble=2 * c["scribble_points"], polygon=2 * c["polygon_points"])
        names = dict(box="position", point="point", scribble="scribble", polygon="polygon")
        self.null_positive_feature = nn.Parameter(torch.zeros(c["text_width"]))
        for f in FORMATS:
            self.register_parameter(f"null_{names[f]}_feature", nn.Parameter(torch.zeros(2 * FREQUENCIES * sizes[f])))
        self.nulls = [f"null_{names[f]}_feature" for f in FORMATS]
        self.null_seg_feature = nn.Parameter(torch.zeros(width))
        self.pos_embedding = nn.Parameter(torch.randn(1, self.n_mask_tokens, width) * 0.02)
        self.in_conv = nn.Conv2d(c["slots"], 3, 3, padding=1)
        self.convnext_tiny_backbone = Trunk(c["trunk_channels"], c["trunk_depths"])
        inputs = [c["text_width"] + 2 * FREQUENCIES * sizes[f] for f in FORMATS] + [width]
        mid, out = c["mlp_width"], c["token_width"]
        self.linears_list = nn.ModuleList(
            nn.Sequential(nn.Linear(n, mid), nn.SiLU(), nn.Linear(mid, mid), nn.SiLU(), nn.Linear(mid, out))
            for n in inputs)

    def forward(self, text, used, box, point, scribble, polygon, segmentation, drop):
        """text [b, slots, w]; used [b, slots] 0 or 1; box [b, slots, 4] as x0 y0 x1 y1; point [b, slots, 2];
        scribble, polygon [b, slots, 2 points], zeros where an instance has none; segmentation
        [b, slots, mask_side, mask_side] 0 or 1; drop [b, 4] 0 or 1: which formats the picture does without."""
        # The masks of slots behind the last that any picture fills are zero: they need not be looked at.
        filled = int((used.sum(0) > 0).nonzero().max()) + 1 if used.any() else 1
        segmentation = segmentation[:, :filled]
        self.keep_regions(used, box, segmentation, drop)
        used = used.unsqueeze(-1)
        text = used * text + (1 - used) * self.null_positive_feature
        tokens = []
        for i, x in enumerate((box, point, scribble, polygon)):
            keep = used if i < 2 else ((x.sum(-1, keepdim=True) + used) > 0).to(x.dtype)
            keep = keep * (1 - drop[:, i].view(-1, 1, 1))
            x = keep * fourier(x) + (1 - keep) * getattr(self, self.nulls[i])
            tokens.append(self.linears_list[i](torch.cat([text, x], -1)))
        seen = (segmentation.sum((1, 2, 3)) > 0).to(text.dtype) * (1 - drop[:, 3])
        seen = seen.view(-1, 1, 1)
        conv = self.in_conv
        maps = self.convnext_tiny_backbone(
            nn.functional.conv2d(segmentation, conv.weight[:, :filled], conv.bias, padding=1))
        # The published network looks at the memory of [c, s, s] as [4 c, tokens].
        parts = maps.reshape(len(maps), -1, self.n_mask_tokens).transpose(1, 2)
        parts = seen * parts + (1 - seen) * self.null_seg_feature + self.pos_embedding
        tokens.append(self.linears_list[4](parts))
        return torch.cat(tokens, 1)

    @torch.no_grad()
    def tell_apart(self, texts):
        """Texts [n, text_width] of what will be named, which a text encoder that never saw such things finds nearly
        alike: adds to the first layers' sight of them what makes their covariance the identity."""
        mean, width = texts.mean(0), texts.shape[1]
        _, spread, axes = torch.linalg.svd(texts - mean, full_matrices=False)
        spread = spread / len(texts) ** 0.5
        whiten = axes.T @ torch.diag(1 / (spread + 0.05 * spread[0])) @ axes
        for mlp in self.linears_list[:len(FORMATS)]:
            extra = torch.randn(mlp[0].out_features, width) @ whiten.cpu() / len(texts) ** 0.5
            mlp[0].weight[:, :width] += extra.to(mlp[0].weight)
            mlp[0].bias -= (extra @ mean.cpu()).to(mlp[0].bias)

    def keep_regions(self, used, box, segmentation, drop):
        """[b, slots, cells] true where an instance's mask lies, or its box in whole cells; and what the tokens score
        more."""
        masks = nn.functional.adaptive_max_pool2d(segmentation, self.cells) * (1 - drop[:, 3].view(-1, 1, 1, 1))
        masks = nn.functional.pad(masks, (0, 0, 0, 0, 0, used.shape[1] - masks.shape[1]))
        y, x = ((torch.arange(n, device=box.device) >= (box[..., i:i + 1] * n).round())
                & (torch.arange(n, device=box.device) < (box[..., i + 2:i + 3] * n).round())
                for i, n in ((1, self.cells[0]), (0, self.cells[1])))
        boxes = y.unsqueeze(-1) & x.unsqueeze(-2) & ((used > 0) & (drop[:, :1] == 0)).view(*used.shape, 1, 1)
        self.regions = torch.where(masks.amax((2, 3), keepdim=True) > 0, masks > 0, boxes).flatten(2)
        self.seen = torch.cat([used * self.head_start] * 4 + [used.new_zeros(len(used), self.n_mask_tokens)], 1)

    def bias(self, n):
        """What is added to the scores of n cells for cells and tokens, [b, 1, n or 1, n + tokens]; None: nothing."""
        b, t = self.seen.shape
        rows = torch.cat([self.seen.new_zeros(b, n), self.seen], 1).view(b, 1, 1, n + t)
        if not self.config.get("masked") or n != self.regions.shape[2]:
            return rows if self.head_start else None
        own = self.regions.transpose(1, 2)
        every = torch.ones_like(own)
        cells = (self.regions.float().transpose(1, 2) @ self.regions.float() > 0) | torch.eye(n, device=own.device).bool()
        tokens = torch.cat([own, every, every, own, every.new_ones(b, n, self.n_mask_tokens)], 2)
        sees = torch.cat([cells, tokens], 2) | ~self.regions.any((1, 2)).view(b, 1, 1)
        return rows.masked_fill(~sees.unsqueeze(1), -torch.inf)


class Fuser(GatedSelfAttentionDense):
    """Only cells ask; tokens are asked. The bias is the position net's."""

    def forward(self, x, objs):
        n, heads = x.shape[1], self.attn.heads
        q = self.norm1(x)
        kv = torch.cat([q, self.norm1(self.linear(objs))], 1)
        q, k, v = (f(h).unflatten(-1, (heads, -1)).transpose(1, 2) for f, h in (
            (self.attn.to_q, q), (self.attn.to_k, kv), (self.attn.to_v, kv)))
        h = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=self.position_net[0].bias(n))
        x = x + self.alpha_attn.tanh() * self.attn.to_out[0](h.transpose(1, 2).flatten(2).to(x.dtype))
        return x + self.alpha_dense.tanh() * self.ff(self.norm2(x))


def null_batch(config, n, device="cpu", dtype=torch.float32):
    """What the unconditional pass takes: every slot empty."""
    s, side = config["slots"], config["mask_side"]

    def zeros(*shape):
        return torch.zeros(n, *shape, device=device, dtype=dtype)

    return dict(text=zeros(s, config["text_width"]), used=zeros(s), box=zeros(s, 4), point=zeros(s, 2),
                scribble=zeros(s, 2 * config["scribble_points"]), polygon=zeros(s, 2 * config["polygon_points"]),
                segmentation=zeros(s, side, side), drop=zeros(4))


def scale_low(x, scale):
    """The four lowest frequencies, {-1, 0} on both axes, of each channel times `scale`: x and its projection on their
    cosines and sines, which is much less than two transforms. Sides of 2 or more."""
    h, w = x.shape[-2:]
    y, x_ = (2 * torch.pi / n * torch.arange(n, device=x.device) for n in (h, w))
    angles = torch.stack([(i * y[:, None] + j * x_).flatten() for i in (0, 1) for j in (0, 1)], 1)
    waves = torch.cat([angles.cos(), angles.sin()], 1)
    flat = x.flatten(2).to(waves.dtype)
    low = flat @ waves @ waves.T / (h * w)
    return (flat + (scale - 1) * low).view(x.shape).to(x.dtype)


def add_scale(unet, i, before, resnet):
    """ScaleU before the i-th block on the way up, whose input is [`before` channels from below, skip]."""
    unet.register_parameter(f"scaleu_b_{i}", nn.Parameter(torch.zeros(before)))
    unet.register_parameter(f"scaleu_s_{i}", nn.Parameter(torch.zeros(1)))

    def hook(module, args):
        x, *rest = args
        if not unet.grounded:
            return None
        b = getattr(unet, f"scaleu_b_{i}").tanh() + 1
        s = getattr(unet, f"scaleu_s_{i}").tanh() + 1
        return torch.cat([x[:, :before] * b.view(1, -1, 1, 1), scale_low(x[:, before:], s)], 1), *rest

    resnet.register_forward_pre_hook(hook)


def add(unet, config=None, seed=0):
    """Adds the parts to `unet` in place; the parameters that are new. `unet.grounded = False` with no "gligen"
    in the call gives the old network back."""
    config = dict(CONFIG if config is None else config)
    torch.manual_seed(seed)
    assert config["token_width"] > 0 and config["mask_side"] % 64 == 0
    unet.grounded = True
    unet.instance_config = config
    unet.position_net = PositionNet(config)
    for module in unet.modules():
        if isinstance(module, BasicTransformerBlock):
            width, heads = module.attn1.to_q.in_features, module.attn1.heads
            module.fuser = Fuser(width, config["token_width"], heads, width // heads)
            module.fuser.position_net = [unet.position_net]  # not as a part of it
    finest = next(i for i, b in enumerate(unet.down_blocks) if hasattr(b, "attentions"))

    def see(module, args):
        unet.position_net.cells = tuple(n >> finest for n in args[0].shape[-2:])

    unet.register_forward_pre_hook(see)
    before = unet.config.block_out_channels[-1]
    for i, resnet in enumerate(r for block in unet.up_blocks for r in block.resnets):
        add_scale(unet, i, before, resnet)
        before = resnet.out_channels
    return parameters(unet)


def is_ours(name):
    return name.startswith(("position_net.", "scaleu_")) or ".fuser." in name


def is_gate(name):
    return ".fuser.alpha_" in name


def parameters(unet):
    return [p for n, p in unet.named_parameters() if is_ours(n)]


def save(unet, folder, dtype=torch.float16):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(unet.instance_config, indent=2) + "\n")
    state = {n: p.detach().to("cpu", dtype).contiguous() for n, p in unet.named_parameters() if is_ours(n)}
    save_file(state, folder / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})


def load(unet, folder):
    folder = Path(folder)
    new = add(unet, json.loads((folder / "config.json").read_text()))
    state = {n: v.float() for n, v in load_file(folder / "diffusion_pytorch_model.safetensors").items()}
    missing, unexpected = unet.load_state_dict(state, strict=False)
    assert not unexpected and not any(is_ours(n) for n in missing)
    return new
