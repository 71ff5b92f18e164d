package org.adjoint.bench.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.bench.verify.SpeedCase.Ceiling;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Pooling;

/**
 * Work on tensors so large that launching them does not count: each kernel of a transformer's training step, the
 * movements around them, images, sorting and factorizations. Bytes are those that have to cross the card's memory once.
 */
final class SpeedCases {
    /** Elements: 128 MiB in {@code BF16}, 256 MiB in {@code F32}, far more than a cache holds. */
    private static final long LARGE = 64L << 20;
    private static final long SIDE = 8192;
    private static final long GEMM_SIDE = 4096;
    private static final long VOCABULARY = 50_304;
    private static final long WIDTH = 768;
    private static final long FACTORED = 2048;
    private static final Convolution SAME = Convolution.DEFAULT.padding(1);

    private final List<SpeedCase> cases = new ArrayList<>();

    private SpeedCases() { }

    /** All of them. */
    static List<SpeedCase> all() {
        SpeedCases all = new SpeedCases();
        for (DType dtype : List.of(DType.F32, DType.BF16)) {
            all.elementwise(dtype);
            all.reductions(dtype);
            all.rows(dtype);
            all.indexing(dtype);
            all.running(dtype);
            all.images(dtype);
        }
        all.sorting();
        all.optimizer();
        all.products();
        all.factorizations();
        all.attention();
        return all.cases;
    }

    private void elementwise(DType dtype) {
        long size = dtype.bytes() * LARGE;
        memory("add " + dtype.text(), 3 * size, device -> normal(device, 2, dtype, LARGE),
            x -> x.get(0).add(x.get(1)));
        memory("gelu " + dtype.text(), 2 * size, device -> normal(device, 1, dtype, LARGE), x -> x.get(0).gelu());
        memory("bias + geluTanh " + dtype.text(), 2 * size, device -> List.of(normal(device, dtype, LARGE / 4096, 4096),
            normal(device, dtype, 4096)), x -> x.get(0).add(x.get(1)).geluTanh());
        memory("dropout + residual " + dtype.text(), 3 * size, device -> normal(device, 2, dtype, LARGE),
            x -> x.get(0).dropout(0.1).add(x.get(1)));
        memory("transpose " + dtype.text(), 2 * size, device -> List.of(normal(device, dtype, SIDE, SIDE)),
            x -> x.get(0).transpose().mul(1));
    }

    private void reductions(DType dtype) {
        long size = dtype.bytes() * LARGE;
        memory("sum of all " + dtype.text(), size, device -> normal(device, 1, dtype, LARGE), x -> x.get(0).sum());
        memory("sum of rows " + dtype.text(), size, device -> List.of(normal(device, dtype, SIDE, SIDE)),
            x -> x.get(0).sum(1));
        memory("sum of columns " + dtype.text(), size, device -> List.of(normal(device, dtype, SIDE, SIDE)),
            x -> x.get(0).sum(0));
        memory("argmax of rows " + dtype.text(), size, device -> List.of(normal(device, dtype, SIDE, SIDE)),
            x -> x.get(0).argmax(1));
    }

    private void rows(DType dtype) {
        long rows = 65_536;
        long size = dtype.bytes() * rows * WIDTH;
        Function<Device, List<Tensor>> norm = device -> List.of(normal(device, dtype, rows, WIDTH),
            normal(device, dtype, WIDTH), normal(device, dtype, WIDTH), normal(device, dtype, rows, WIDTH));
        memory("softmax " + rows + "x1024 " + dtype.text(), 2.0 * dtype.bytes() * rows * 1024,
            device -> List.of(normal(device, dtype, rows, 1024)), x -> x.get(0).softmax(1));
        memory("layerNorm " + rows + "x" + WIDTH + " " + dtype.text(), 2 * size, norm,
            x -> x.get(0).layerNorm(x.get(1), x.get(2), 1e-5));
        // x and dy are read, dx is written.
        gradients("layerNorm gradient " + rows + "x" + WIDTH + " " + dtype.text(), 3 * size, Ceiling.COPY, norm, 3,
            x -> x.get(0).layerNorm(x.get(1), x.get(2), 1e-5));
        memory("rmsNorm " + rows + "x" + WIDTH + " " + dtype.text(), 2 * size, norm,
            x -> x.get(0).rmsNorm(x.get(1), 1e-5));
        long tokens = 8192;
        Function<Device, List<Tensor>> logits = device -> List.of(normal(device, dtype, tokens, VOCABULARY),
            indices(device, tokens, VOCABULARY));
        double once = (double) dtype.bytes() * tokens * VOCABULARY;
        memory("crossEntropy " + tokens + "x" + VOCABULARY + " " + dtype.text(), once, logits,
            x -> x.get(0).crossEntropy(x.get(1)));
        add("crossEntropy with gradient " + tokens + "x" + VOCABULARY + " " + dtype.text(), 3 * once, Ceiling.COPY,
            logits, x -> x.get(0).crossEntropy(x.get(1)).gradients(x.get(0)));
    }

    private void indexing(DType dtype) {
        long tokens = 65_536;
        double size = (double) dtype.bytes() * tokens * WIDTH;
        memory("embedding " + tokens + "x" + WIDTH + " " + dtype.text(), 2 * size, device -> List.of(
            normal(device, dtype, VOCABULARY, WIDTH), indices(device, tokens, VOCABULARY)),
            x -> x.get(0).embedding(x.get(1)));
        // dy is read; the gradient of the table is cleared and written.
        double table = (double) dtype.bytes() * VOCABULARY * WIDTH;
        add("embedding gradient " + tokens + "x" + WIDTH + " " + dtype.text(), size + table, Ceiling.COPY,
            device -> List.of(normal(device, dtype, VOCABULARY, WIDTH), indices(device, tokens, VOCABULARY),
                normal(device, dtype, tokens, WIDTH)),
            x -> x.get(0).embedding(x.get(1)).pullback(x.get(2), List.of(x.get(0))));
        memory("normal random numbers " + dtype.text(), (double) dtype.bytes() * LARGE,
            device -> normal(device, 1, dtype, 1), x -> x.get(0).device().random().normal(dtype, LARGE));
    }

    private void running(DType dtype) {
        double size = 2.0 * dtype.bytes() * LARGE;
        memory("cumsum of all " + dtype.text(), size, device -> normal(device, 1, dtype, LARGE),
            x -> x.get(0).cumsum(0));
        memory("cumsum of rows " + dtype.text(), size, device -> List.of(normal(device, dtype, SIDE, SIDE)),
            x -> x.get(0).cumsum(1));
        memory("cumsum of columns " + dtype.text(), size, device -> List.of(normal(device, dtype, SIDE, SIDE)),
            x -> x.get(0).cumsum(0));
    }

    /** Of 64 channels: a residual network's first stage. */
    private void images(DType dtype) {
        long[] image = {64, 64, 56, 56};
        double elements = Arrays.stream(image).mapToDouble(extent -> extent).reduce(1, (a, b) -> a * b);
        Ceiling ceiling = dtype == DType.F32 ? Ceiling.GEMM_F32 : Ceiling.GEMM_BF16;
        double products = 2 * elements * 64 * 9;
        Function<Device, List<Tensor>> convolved = device -> List.of(normal(device, dtype, image),
            normal(device, dtype, 64, 64, 3, 3), normal(device, dtype, 64), normal(device, dtype, image));
        add("conv2d 3x3 64x64x56x56 " + dtype.text(), products, ceiling, convolved,
            x -> List.of(x.get(0).conv2d(x.get(1), x.get(2), SAME)));
        gradients("conv2d 3x3 with gradient 64x64x56x56 " + dtype.text(), 3 * products, ceiling, convolved, 3,
            x -> x.get(0).conv2d(x.get(1), x.get(2), SAME));
        Function<Device, List<Tensor>> normalized = device -> List.of(normal(device, dtype, image),
            normal(device, dtype, 64), normal(device, dtype, 64), normal(device, dtype, image));
        memory("batchNorm 64x64x56x56 " + dtype.text(), 2 * dtype.bytes() * elements, normalized,
            x -> x.get(0).batchNorm(x.get(1), x.get(2), 1e-5).output());
        gradients("batchNorm with gradient 64x64x56x56 " + dtype.text(), 5 * dtype.bytes() * elements, Ceiling.COPY,
            normalized, 3, x -> x.get(0).batchNorm(x.get(1), x.get(2), 1e-5).output());
        memory("maxPool2d 2x2 64x64x56x56 " + dtype.text(), 1.25 * dtype.bytes() * elements, normalized,
            x -> x.get(0).maxPool2d(Pooling.of(2, 2)));
    }

    /** An index takes eight bytes. */
    private void sorting() {
        long count = LARGE / 4;
        double one = Float.BYTES + Long.BYTES;
        memory("argsort of 16M f32", one * count, device -> normal(device, 1, DType.F32, count),
            x -> x.get(0).argsort(0));
        memory("argsort of 16384 rows of 1024 f32", one * count, device -> normal(device, 1, DType.F32, 16_384, 1024),
            x -> x.get(0).argsort(1));
        add("topK 50 of 1024x" + VOCABULARY + " f32", (double) Float.BYTES * 1024 * VOCABULARY, Ceiling.COPY,
            device -> normal(device, 1, DType.F32, 1024, VOCABULARY), x -> {
                var selection = x.get(0).topK(50, 1);
                return List.of(selection.values(), selection.indices());
            });
        memory("searchSorted 16M in 1M f32", one * count, device -> List.of(
            device.random().uniform(DType.F32, 1 << 20).sort(0).realize(),
            device.random().uniform(DType.F32, count).realize()), x -> x.get(0).searchSorted(x.get(1), false));
    }

    /** Of matrices that are well-conditioned. */
    private void factorizations() {
        double cube = Math.pow(FACTORED, 3);
        for (DType dtype : List.of(DType.F32, DType.F64)) {
            Ceiling ceiling = dtype == DType.F32 ? Ceiling.GEMM_F32 : Ceiling.GEMM_F64;
            String key = " " + FACTORED + " " + dtype.text();
            Function<Device, List<Tensor>> matrices = device -> List.of(
                normal(device, dtype, FACTORED, FACTORED).add(device.eye(dtype, FACTORED).mul(4 * FACTORED)).realize(),
                normal(device, dtype, FACTORED, FACTORED));
            add("cholesky" + key, cube / 3, ceiling, matrices, x -> List.of(x.get(0).cholesky()));
            add("triangularSolve" + key, cube, ceiling, matrices,
                x -> List.of(x.get(0).triangularSolve(x.get(1), false)));
            add("qr" + key, 8 * cube / 3, ceiling, matrices, x -> {
                var factors = x.get(0).qr();
                return List.of(factors.q(), factors.r());
            });
        }
    }

    private void optimizer() {
        FusedOp.AdamWUpdate settings = new FusedOp.AdamWUpdate(0.9, 0.95, 1e-8, 0.1);
        add("AdamW 64M f32", 7.0 * Float.BYTES * LARGE, Ceiling.COPY, device -> {
            List<Tensor> arguments = new ArrayList<>(normal(device, 4, DType.F32, LARGE));
            arguments.set(2, arguments.get(2).square().realize());
            for (double scalar : new double[] {1e-4, 1, 1}) {
                arguments.add(device.scalar(scalar).realize());
            }
            return arguments;
        }, x -> x.get(0).adamWUpdate(settings, x.get(1), x.get(2), x.get(3), x.get(4), x.get(5), x.get(6)));
    }

    private void products() {
        double operations = 2.0 * GEMM_SIDE * GEMM_SIDE * GEMM_SIDE;
        List<UnaryOperator<Tensor>> layouts = List.of(UnaryOperator.identity(), Tensor::transpose);
        for (DType dtype : List.of(DType.F64, DType.F32, DType.BF16)) {
            Ceiling ceiling = switch (dtype) {
                case F64 -> Ceiling.GEMM_F64;
                case F32 -> Ceiling.GEMM_F32;
                case BF16 -> Ceiling.GEMM_BF16;
                case F16, BOOL, U8, I32, I64 -> throw new IllegalStateException();
            };
            for (int layout = 0; layout < 3; layout++) {
                UnaryOperator<Tensor> a = layouts.get(layout / 2);
                UnaryOperator<Tensor> b = layouts.get(layout % 2);
                add("matmul " + GEMM_SIDE + " " + List.of("NN", "NT", "TN").get(layout) + " " + dtype.text(),
                    operations, ceiling, device -> normal(device, 2, dtype, GEMM_SIDE, GEMM_SIDE),
                    x -> List.of(a.apply(x.get(0)).matmul(b.apply(x.get(1)))));
            }
        }
    }

    /** Operations of causal attention: half of 4 t t d a head forward, and 2.5 times that backward. */
    private void attention() {
        for (long[] shape : new long[][] {{16, 12, 1024, 64}, {4, 16, 4096, 128}}) {
            double forward = 2.0 * shape[0] * shape[1] * shape[2] * shape[2] * shape[3];
            String key = "b" + shape[0] + " h" + shape[1] + " t" + shape[2] + " d" + shape[3] + " bf16";
            add("attention " + key, forward, Ceiling.GEMM_BF16, device -> normal(device, 3, DType.BF16, shape),
                x -> List.of(x.get(0).attention(x.get(1), x.get(2), true)));
            gradients("attention with gradient " + key, 3.5 * forward, Ceiling.GEMM_BF16,
                device -> normal(device, 4, DType.BF16, shape), 3,
                x -> x.get(0).attention(x.get(1), x.get(2), true));
        }
    }

    private void memory(String key, double bytes, Function<Device, List<Tensor>> arguments,
        Function<List<Tensor>, Tensor> function) {
        add(key, bytes, Ceiling.COPY, arguments, x -> List.of(function.apply(x)));
    }

    /** The gradients of the first arguments, given the last as the result's cotangent. */
    private void gradients(String key, double amount, Ceiling ceiling, Function<Device, List<Tensor>> arguments,
        int sources, Function<List<Tensor>, Tensor> function) {
        add(key, amount, ceiling, arguments,
            x -> function.apply(x).pullback(x.getLast(), x.subList(0, sources)));
    }

    private void add(String key, double amount, Ceiling ceiling, Function<Device, List<Tensor>> arguments,
        Function<List<Tensor>, List<Tensor>> function) {
        cases.add(new SpeedCase(key, amount, ceiling, arguments, function));
    }

    private static Tensor normal(Device device, DType dtype, long... shape) {
        return device.random().normal(dtype, shape).realize();
    }

    private static List<Tensor> normal(Device device, int count, DType dtype, long... shape) {
        Tensor[] tensors = new Tensor[count];
        Arrays.setAll(tensors, _ -> normal(device, dtype, shape));
        return List.of(tensors);
    }

    /** Evenly spread numbers below {@code limit}. */
    private static Tensor indices(Device device, long count, long limit) {
        return device.random().uniform(DType.F32, count).mul(limit).floor().to(DType.I32).clamp(0, limit - 1).realize();
    }
}
