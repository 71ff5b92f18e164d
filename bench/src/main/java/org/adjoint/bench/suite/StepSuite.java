package org.adjoint.bench.suite;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The training step of GPTs (forward pass, backward pass, AdamW). {@code gpt 4x128 h4 v256 b8 t128} has 4 layers 128
 * wide, 4 heads, 256 kinds of tokens, and learns from 8 texts of 128. And, on the CPU, what a step costs around its
 * kernels: launching it empty, its memory, a fused chain against one operation.
 */
final class StepSuite {
    private static final String SUITE = "step";
    private static final double SECONDS = 3;
    private static final double CHAIN_SECONDS = 1;
    private static final double CHAIN_BOUND = 1.3;
    private static final double DISPATCH_BOUND_MICROS = 100;
    private static final int DRY_RUNS = 3_000;
    private static final double MEBIBYTE = 1 << 20;

    private StepSuite() { }

    static List<Result> run(SuiteRun run) throws IOException {
        List<GptShape> shapes = run.quick() ? List.of(GptShape.DEFAULT)
            : List.of(GptShape.DEFAULT, GptShape.WIDE, GptShape.GPT2);
        List<Result> results = new ArrayList<>();
        for (GptShape shape : shapes) {
            Map<String, Double> nanos =
                run.harness().measure(StepBenchmark.class, shape.toString(), run.contenders(Suite.STEP), SECONDS);
            double least = run.ceiling().leastNanos(shape.operations(), 0);
            results.addAll(Result.compare(SUITE, shape.toString(), nanos, new Result.Milliseconds(), least));
            results.addAll(Result.compare(SUITE, shape + " throughput", nanos,
                new Result.TokensPerSecond(shape.tokens()), least));
        }
        if (run.isOnCpu()) {
            results.addAll(chains(run.harness()));
            results.addAll(around(run.threads()));
        }
        return results;
    }

    /** One elementwise operation, and ten that are one pass over memory all the same. */
    private static List<Result> chains(Harness harness) throws IOException {
        List<String> lengths = List.of("1 operation", "10 operations");
        Map<String, Double> nanos = harness.measure(ChainBenchmark.class, "10M f32", lengths, CHAIN_SECONDS);
        if (nanos.size() < lengths.size()) {
            return List.of();
        }
        double one = nanos.get(lengths.getFirst());
        double ten = nanos.get(lengths.getLast());
        return List.of(
            Result.figure(SUITE, "one operation on 10M f32", one / 1e6, "ms", null),
            Result.figure(SUITE, "ten operations on 10M f32", ten / 1e6, "ms", null),
            Result.figure(SUITE, "ten operations over one", ten / one, "times", CHAIN_BOUND));
    }

    /** What the default GPT's step costs besides its kernels. */
    private static List<Result> around(int threads) {
        try (AdjointStep step = new AdjointStep(GptShape.DEFAULT, Contenders.open("cpu", threads))) {
            long[] nanos = new long[DRY_RUNS];
            for (int i = 0; i < DRY_RUNS; i++) {
                nanos[i] = step.dryRunNanos();
            }
            // The first half warms up.
            long[] warm = Arrays.copyOfRange(nanos, DRY_RUNS / 2, DRY_RUNS);
            Arrays.sort(warm);
            return List.of(
                Result.figure(SUITE, "binding, dispatch and bookkeeping", warm[warm.length / 2] / 1e3, "us",
                    DISPATCH_BOUND_MICROS),
                Result.figure(SUITE, "arena of the plan", step.memory().arenaBytes() / MEBIBYTE, "MiB", null));
        }
    }
}
