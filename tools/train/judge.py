# SPDX-License-Identifier: GPL-3.0-or-later
"""A patch discriminator, which asks a decoder for texture.

    judge = Judge(dev, "WORK/judge.pt")
    loss = judge.ask(loss, made, right, at); loss.backward(); ...; judge.learn(made, right)

Source: Isola 2017 (patches), Miyato 2018 (spectral norm), Esser 2021 (the weight of its word, from gradients).
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

import ae_model


def discriminator(width=64):
    """Says for each patch of about 40 px whether it is of a photograph; its layers serve as features too."""
    sn = nn.utils.parametrizations.spectral_norm
    def block(a, b, stride):
        return nn.Sequential(sn(nn.Conv2d(a, b, 4, stride, 1)), nn.LeakyReLU(0.2))
    return nn.ModuleList([block(3, width, 2), block(width, 2 * width, 2), block(2 * width, 4 * width, 1),
                          sn(nn.Conv2d(4 * width, 1, 3, 1, 1))])


class Judge:
    """share: of what it says, beside the gradient of the loss; at most most times it. alone: steps that it learns
    before it is heard."""

    def __init__(self, dev, share=0.35, most=2, alone=100, path=None):
        self.dev, self.share, self.most, self.alone, self.path = dev, share, most, alone, path
        self.net = discriminator().to(dev, memory_format=torch.channels_last)
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=2e-4, betas=(0.5, 0.99), fused=dev.type == "cuda")
        self.steps, self.weight, self.loss = 0, 0.0, 0.0
        if path is not None and path.exists():
            s = torch.load(path, weights_only=True)
            self.net.load_state_dict(s["net"])
            self.opt.load_state_dict(s["opt"])
            self.steps = s["steps"]

    def maps(self, x):
        """Of every layer; the last is what it says."""
        out = []
        with ae_model.low_precision(self.dev):
            for layer in self.net:
                x = layer(x)
                out.append(x)
        return [m.float() for m in out]

    def ask(self, loss, made, right, at):
        """loss with the judge's word on what was made; at: the weights whose gradients balance the two."""
        if self.steps <= self.alone:
            return loss
        *mine, said = self.maps(made)
        with torch.no_grad():
            theirs = self.maps(right)
        alike, fool = sum((m - t).abs().mean() for m, t in zip(mine, theirs)), -said.mean()
        ours, its = (torch.autograd.grad(l, at, retain_graph=True)[0].norm() for l in (loss, fool))
        weight = (self.share * ours / (its + 1e-4)).clamp(0, self.most).detach()
        self.weight = weight.item()
        return loss + weight * fool + 0.5 * alike

    def learn(self, made, right):
        said, of_right = self.maps(made.detach())[-1], self.maps(right)[-1]
        loss = F.relu(1 - of_right).mean() + F.relu(1 + said).mean()
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        self.opt.step()
        self.steps += 1
        self.loss = loss.item()

    def save(self):
        torch.save(dict(net=self.net.state_dict(), opt=self.opt.state_dict(), steps=self.steps), self.path)
