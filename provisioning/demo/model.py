"""The decoder, exactly as GGUF architecture "llama" defines it.

RMSNorm before attention and before the MLP, rotary positions on interleaved pairs (2i, 2i+1), grouped
query attention, SwiGLU, output tied to the token embedding, no biases. Parameters carry their GGUF
names, so that export is a loop.
"""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F


@dataclasses.dataclass(frozen=True)
class Shape:
    vocab: int = 2048
    context: int = 1024
    width: int = 256  # every matrix has a multiple of 256 columns, as the K-quants ask for
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    mlp_width: int = 768
    norm_epsilon: float = 1e-5
    rope_base: float = 10000.0

    @property
    def head_width(self):
        return self.width // self.heads


def rope_table(shape):
    """[context, head_width / 2] complex rotations, exp(i * position * base^(-2k / head_width))."""
    exponents = torch.arange(0, shape.head_width, 2, dtype=torch.float64) / shape.head_width
    angles = torch.outer(torch.arange(shape.context, dtype=torch.float64),
                         shape.rope_base ** -exponents)
    return torch.cos(angles).float(), torch.sin(angles).float()


def rotate(x, cos, sin):
    """Applies rotary positions to x [batch, heads, tokens, head_width] on interleaved pairs."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class RmsNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon)
        normed = x * scale * self.weight
        # Once here, instead of once in each product that reads it.
        return normed.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else normed


class SharedDropout(nn.Module):
    """Dropout with one mask for all tokens of a conversation: as good here and far cheaper to draw."""

    def __init__(self, probability):
        super().__init__()
        self.probability = probability

    def forward(self, x):
        if not self.training or self.probability == 0:
            return x
        kept = 1 - self.probability
        return x * (torch.rand(x.shape[0], 1, x.shape[2]) < kept).to(x.dtype) / kept


class Block(nn.Module):
    def __init__(self, shape, dropout):
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_width
        self.attn_norm = RmsNorm(shape.width, shape.norm_epsilon)
        self.attn_q = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_k = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_v = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = RmsNorm(shape.width, shape.norm_epsilon)
        self.ffn_gate = nn.Linear(shape.width, shape.mlp_width, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.mlp_width, bias=False)
        self.ffn_down = nn.Linear(shape.mlp_width, shape.width, bias=False)
        self.dropout = SharedDropout(dropout)

    def attention(self, x, cos, sin):
        batch, tokens, _ = x.shape

        def heads(projected, count):
            return projected.view(batch, tokens, count, self.shape.head_width).transpose(1, 2)

        q = rotate(heads(self.attn_q(x), self.shape.heads), cos, sin)
        k = rotate(heads(self.attn_k(x), self.shape.kv_heads), cos, sin)
        v = heads(self.attn_v(x), self.shape.kv_heads)
        group = self.shape.heads // self.shape.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        # Written out: conversations are short, and for these sizes the fused operation's backward
        # pass is several times slower on a CPU.
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.shape.head_width)
        future = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
        mixed = scores.float().masked_fill(future, -math.inf).softmax(-1).to(v.dtype) @ v
        return self.attn_output(mixed.transpose(1, 2).reshape(batch, tokens, -1))

    def forward(self, x, cos, sin):
        x = x + self.dropout(self.attention(self.attn_norm(x), cos, sin))
        h = self.ffn_norm(x)
        return x + self.dropout(self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h)))


class Decoder(nn.Module):
    def __init__(self, shape, dropout=0.0):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocab, shape.width)
        self.blk = nn.ModuleList(Block(shape, dropout) for _ in range(shape.layers))
        self.output_norm = RmsNorm(shape.width, shape.norm_epsilon)
        self.dropout = SharedDropout(dropout)
        cos, sin = rope_table(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                onto_residual = "attn_output" in name or "ffn_down" in name
                scale = 1 / math.sqrt(2 * shape.layers) if onto_residual else 1.0
                nn.init.normal_(parameter, std=0.02 * scale)

    def forward(self, ids):
        """Hidden states [batch, tokens, width] of ids [batch, tokens], after the last norm."""
        cos, sin = self.cos[:ids.shape[1]], self.sin[:ids.shape[1]]
        x = self.dropout(self.token_embd(ids))
        for block in self.blk:
            x = block(x, cos, sin)
        return self.output_norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.token_embd.weight)
