package org.adjoint.bench.suite;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Benchmarks that belong together. */
enum Suite {
    GEMM("gemm", "GFLOP/s"),
    ELEMENTWISE("elementwise", "GB/s", "add 16777216", "exp 16777216", "gelu 16777216", "gelu 16777216 gradient",
        "chain 16777216"),
    REDUCTIONS("reductions", "GB/s", "sum 16777216", "sumRows 4096x4096", "sumColumns 4096x4096",
        "argmaxRows 4096x4096"),
    SOFTMAX("softmax", "GB/s", "softmax 4096x1024", "softmax 4096x1024 gradient", "logSoftmax 4096x1024",
        "softmax 256x50257"),
    LAYER_NORM("layerNorm", "GB/s", "layerNorm 8192x768", "layerNorm 8192x768 gradient", "layerNorm 512x12288"),
    CROSS_ENTROPY("crossEntropy", "GB/s", "crossEntropy 8192x256", "crossEntropy 512x50257",
        "crossEntropy 512x50257 gradient"),
    ATTENTION("attention", "GFLOP/s", "attention 4x12x256x64", "attention 4x12x256x64 gradient",
        "attention 1x12x1024x64"),
    CONVOLUTION("convolution", "GFLOP/s", "conv2d 8x64x56x56x64", "conv2d 8x64x56x56x64 gradient",
        "conv2d 8x256x14x14x256", "conv2d 16x3x224x224x32", "depthwise 8x256x14x14", "depthwise 8x256x14x14 gradient",
        "depthwise 8x64x56x56", "depthwise 8x64x56x56 gradient"),
    STEP("step", "ms");

    private static final double SECONDS = 1;
    private static final int QUICK_CASES = 2;

    private final String text;
    private final String unit;
    private final List<String> cases;

    /** @param cases texts of {@link OperationCase}, the most telling first; none where they are products or steps */
    Suite(String text, String unit, String... cases) {
        this.text = text;
        this.unit = unit;
        this.cases = List.of(cases);
    }

    static Optional<Suite> of(String text) {
        return Arrays.stream(values()).filter(suite -> suite.text.equals(text)).findFirst();
    }

    static List<String> names() {
        return Arrays.stream(values()).map(Suite::toString).toList();
    }

    /** What most of its results are measured in. */
    String unit() {
        return unit;
    }

    List<String> cases() {
        return cases;
    }

    boolean includes(Peer peer) {
        return switch (this) {
            case GEMM -> peer.hasGemm();
            case ELEMENTWISE, REDUCTIONS, SOFTMAX, LAYER_NORM, CROSS_ENTROPY, ATTENTION, CONVOLUTION, STEP ->
                peer.hasStep();
        };
    }

    List<Result> run(SuiteRun run) throws IOException {
        return switch (this) {
            case GEMM -> GemmSuite.run(run);
            case STEP -> StepSuite.run(run);
            case ELEMENTWISE, REDUCTIONS, SOFTMAX, LAYER_NORM, CROSS_ENTROPY, ATTENTION, CONVOLUTION -> operations(run);
        };
    }

    private List<Result> operations(SuiteRun run) throws IOException {
        List<Result> results = new ArrayList<>();
        for (String work : run.quick() ? cases.subList(0, QUICK_CASES) : cases) {
            OperationCase asked = OperationCase.parse(work);
            Map<String, Double> nanos = run.harness().measure(OperationBenchmark.class, work, run.contenders(this),
                SECONDS);
            results.addAll(Result.compare(text, work, nanos, asked.rate(),
                run.ceiling().leastNanos(asked.operations(), asked.bytes())));
        }
        return results;
    }

    @Override
    public String toString() {
        return text;
    }
}
