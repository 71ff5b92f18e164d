"""Times with PyTorch, on the card of this machine, what `adjoint verify --part speed` times, under the same names."""

import json
import sys
import time

import torch
import torch.nn.functional as F

LARGE = 64 << 20
SIDE = 8192
GEMM_SIDE = 4096
VOCABULARY = 50_304
WIDTH = 768
FACTORED = 2048
DEVICE = "cuda"


def seconds(work):
    """Of one call: the best of five rounds of many, each with one wait at its end."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    runs = max(1, min(1000, int(0.2 / (time.perf_counter() - start))))
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(runs):
            work()
        torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / runs)
    return best


def normal(dtype, *shape):
    return torch.randn(*shape, device=DEVICE, dtype=dtype)


def gradients(function, inputs, cotangent):
    leaves = [x.detach().requires_grad_(True) for x in inputs]

    def work():
        torch.autograd.grad(function(*leaves), leaves, cotangent)

    return work


def rows(name, dtype, add):
    x = normal(dtype, LARGE)
    y = normal(dtype, LARGE)
    add(f"add {name}", lambda: x + y)
    add(f"gelu {name}", lambda: F.gelu(x))
    wide = x.view(LARGE // 4096, 4096)
    bias = normal(dtype, 4096)
    add(f"bias + geluTanh {name}", lambda: F.gelu(wide + bias, approximate="tanh"))
    add(f"dropout + residual {name}", lambda: F.dropout(x, 0.1) + y)
    square = x.view(SIDE, SIDE)
    add(f"transpose {name}", lambda: square.t().contiguous())
    add(f"sum of all {name}", lambda: x.sum())
    add(f"sum of rows {name}", lambda: square.sum(1))
    add(f"sum of columns {name}", lambda: square.sum(0))
    add(f"argmax of rows {name}", lambda: square.argmax(1))
    count = 65_536
    scores = normal(dtype, count, 1024)
    add(f"softmax {count}x1024 {name}", lambda: F.softmax(scores, 1))
    states = normal(dtype, count, WIDTH)
    gamma = normal(dtype, WIDTH)
    beta = normal(dtype, WIDTH)
    dy = normal(dtype, count, WIDTH)
    add(f"layerNorm {count}x{WIDTH} {name}", lambda: F.layer_norm(states, (WIDTH,), gamma, beta))
    leaves = [t.detach().requires_grad_(True) for t in (states, gamma, beta)]
    out = F.layer_norm(leaves[0], (WIDTH,), leaves[1], leaves[2])
    add(f"layerNorm gradient {count}x{WIDTH} {name}",
        lambda: torch.autograd.grad(out, leaves, dy, retain_graph=True))
    add(f"rmsNorm {count}x{WIDTH} {name}", lambda: F.rms_norm(states, (WIDTH,), gamma, 1e-5))
    tokens = 8192
    logits = normal(dtype, tokens, VOCABULARY).requires_grad_(True)
    targets = torch.randint(VOCABULARY, (tokens,), device=DEVICE)
    with torch.no_grad():
        add(f"crossEntropy {tokens}x{VOCABULARY} {name}", lambda: F.cross_entropy(logits, targets))
    add(f"crossEntropy with gradient {tokens}x{VOCABULARY} {name}",
        lambda: torch.autograd.grad(F.cross_entropy(logits, targets), logits))
    del logits
    table = normal(dtype, VOCABULARY, WIDTH).requires_grad_(True)
    indices = torch.randint(VOCABULARY, (count,), device=DEVICE)
    with torch.no_grad():
        add(f"embedding {count}x{WIDTH} {name}", lambda: F.embedding(indices, table))
    picked = F.embedding(indices, table)
    add(f"embedding gradient {count}x{WIDTH} {name}",
        lambda: torch.autograd.grad(picked, table, dy, retain_graph=True))
    add(f"normal random numbers {name}", lambda: normal(dtype, LARGE))
    add(f"cumsum of all {name}", lambda: x.cumsum(0))
    add(f"cumsum of rows {name}", lambda: square.cumsum(1))
    add(f"cumsum of columns {name}", lambda: square.cumsum(0))


def images(name, dtype, add):
    torch.backends.cudnn.allow_tf32 = False
    key = f"64x64x56x56 {name}"
    x, dy = (normal(dtype, 64, 64, 56, 56) for _ in range(2))
    kernel = normal(dtype, 64, 64, 3, 3)
    gamma, beta = (normal(dtype, 64) for _ in range(2))
    convolve = lambda x, kernel, bias: F.conv2d(x, kernel, bias, padding=1)
    normalize = lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, True)
    add(f"conv2d 3x3 {key}", lambda: convolve(x, kernel, beta))
    add(f"conv2d 3x3 with gradient {key}", gradients(convolve, (x, kernel, beta), dy))
    add(f"batchNorm {key}", lambda: normalize(x, gamma, beta))
    add(f"batchNorm with gradient {key}", gradients(normalize, (x, gamma, beta), dy))
    add(f"maxPool2d 2x2 {key}", lambda: F.max_pool2d(x, 2))


def sorting(add):
    count = LARGE // 4
    line = normal(torch.float32, count)
    add("argsort of 16M f32", lambda: line.argsort(stable=True))
    lines = line.view(16_384, 1024)
    add("argsort of 16384 rows of 1024 f32", lambda: lines.argsort(1, stable=True))
    logits = normal(torch.float32, 1024, VOCABULARY)
    add(f"topK 50 of 1024x{VOCABULARY} f32", lambda: logits.topk(50, 1))
    bounds = torch.rand(1 << 20, device=DEVICE).sort().values
    values = torch.rand(count, device=DEVICE)
    add("searchSorted 16M in 1M f32", lambda: torch.searchsorted(bounds, values))


def optimizer(add):
    parameter = normal(torch.float32, LARGE).requires_grad_(True)
    parameter.grad = normal(torch.float32, LARGE)
    adamw = torch.optim.AdamW([parameter], lr=1e-4, weight_decay=0.1, fused=True)
    add("AdamW 64M f32", adamw.step)


def products(add):
    torch.backends.cuda.matmul.allow_tf32 = False
    for name, dtype in (("f64", torch.float64), ("f32", torch.float32), ("bf16", torch.bfloat16)):
        a = normal(dtype, GEMM_SIDE, GEMM_SIDE)
        b = normal(dtype, GEMM_SIDE, GEMM_SIDE)
        add(f"matmul {GEMM_SIDE} NN {name}", lambda: a @ b)
        add(f"matmul {GEMM_SIDE} NT {name}", lambda: a @ b.t())
        add(f"matmul {GEMM_SIDE} TN {name}", lambda: a.t() @ b)


def factorizations(add):
    for name, dtype in (("f32", torch.float32), ("f64", torch.float64)):
        b = normal(dtype, FACTORED, FACTORED)
        a = normal(dtype, FACTORED, FACTORED) + 4 * FACTORED * torch.eye(FACTORED, device=DEVICE, dtype=dtype)
        add(f"cholesky {FACTORED} {name}", lambda: torch.linalg.cholesky(a))
        add(f"triangularSolve {FACTORED} {name}", lambda: torch.linalg.solve_triangular(a, b, upper=False))
        add(f"qr {FACTORED} {name}", lambda: torch.linalg.qr(a))


def attention(add):
    for b, h, t, d in ((16, 12, 1024, 64), (4, 16, 4096, 128)):
        q, k, v, dout = (normal(torch.bfloat16, b, h, t, d) for _ in range(4))
        function = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)
        with torch.no_grad():
            add(f"attention b{b} h{h} t{t} d{d} bf16", lambda: function(q, k, v))
        add(f"attention with gradient b{b} h{h} t{t} d{d} bf16", gradients(function, (q, k, v), dout))


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = torch.nn.LayerNorm(WIDTH)
        self.qkv = torch.nn.Linear(WIDTH, 3 * WIDTH)
        self.project = torch.nn.Linear(WIDTH, WIDTH)
        self.norm2 = torch.nn.LayerNorm(WIDTH)
        self.up = torch.nn.Linear(WIDTH, 4 * WIDTH)
        self.down = torch.nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, 12, 64).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class GPT(torch.nn.Module):
    """GPT-2 124M, its token embedding tied to the logits."""

    def __init__(self, context):
        super().__init__()
        self.tokens = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.positions = torch.nn.Parameter(0.02 * torch.randn(context, WIDTH))
        self.blocks = torch.nn.ModuleList(Block() for _ in range(12))
        self.norm = torch.nn.LayerNorm(WIDTH)
        torch.nn.init.normal_(self.tokens.weight, std=0.02)

    def forward(self, tokens, targets):
        x = self.tokens(tokens) + self.positions
        for block in self.blocks:
            x = block(x)
        logits = self.norm(x) @ self.tokens.weight.t()
        return F.cross_entropy(logits.view(-1, VOCABULARY), targets.view(-1))


def models(add):
    """Training steps; bf16 by autocast over f32 parameters, as PyTorch's users train, also compiled."""
    for batch, context, name in ((4, 1024, "bf16"), (32, 1024, "bf16"), (4, 1024, "f32")):
        model = GPT(context).to(DEVICE)
        adamw = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1, fused=True)
        tokens, targets = (torch.randint(50_257, (batch, context), device=DEVICE) for _ in range(2))

        def step(forward):
            adamw.zero_grad(set_to_none=True)
            with torch.autocast(DEVICE, torch.bfloat16, enabled=name == "bf16"):
                loss = forward(tokens, targets)
            loss.backward()
            adamw.step()

        key = f"gpt2 124M step b{batch} t{context} {name}"
        add(key, lambda: step(model))
        # For this shape alone: a second one would be compiled for any.
        torch._dynamo.reset()
        compiled = torch.compile(model, dynamic=False)
        add(key + " compiled", lambda: step(compiled))


def main():
    results = {}

    def add(key, work):
        try:
            results[key] = {"milliseconds": seconds(work) * 1e3}
            print(f"  pytorch  {key:46s} {results[key]['milliseconds']:9.3f} ms", flush=True)
        except Exception as e:  # out of memory, or no compiler for torch.compile: the rest is timed all the same
            results[key] = {"threw": f"{type(e).__name__}: {e}"[:500]}
            print(f"  pytorch  {key:46s} {results[key]['threw'][:100]}", flush=True)
        with open(sys.argv[1], "w") as file:
            json.dump({"card": torch.cuda.get_device_name(), "pytorch": torch.__version__,
                "cuda": torch.version.cuda, "items": results}, file, indent=2)

    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        rows(name, dtype, add)
        images(name, dtype, add)
        torch.cuda.empty_cache()
    sorting(add)
    optimizer(add)
    products(add)
    factorizations(add)
    attention(add)
    torch.cuda.empty_cache()
    models(add)


if __name__ == "__main__":
    main()
