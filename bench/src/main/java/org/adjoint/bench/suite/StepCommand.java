package org.adjoint.bench.suite;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code adjoint bench step}. */
@Command(
        name = "step",
        description = {
            "The training step of GPTs (forward pass, backward pass, AdamW), in ms and in tokens/s. 'gpt 4x128 h4 v256 b8 t128' "
                + "has 4 layers 128 wide, 4 heads, 256 kinds of tokens, and learns from 8 texts of 128 tokens at a time.",
            "And what a step costs around its kernels: launching it empty, its memory, a fused chain against one operation."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint bench step --quick",
            "  adjoint bench step --peers pytorch --threads 2 --json step.json"
        })
final class StepCommand implements Callable<Integer> {
    private static final String SUITE = "step";
    private static final double SECONDS = 3;
    private static final double CHAIN_SECONDS = 1;
    private static final double CHAIN_BOUND = 1.3;
    private static final double DISPATCH_BOUND_MICROS = 100;
    private static final int DRY_RUNS = 3_000;

    @Mixin
    private SuiteOptions options;

    @Override
    public Integer call() throws Exception {
        Set<Peer> peers = options.peers(Peer::hasStep);
        List<String> contenders = new ArrayList<>(List.of(Contenders.ADJOINT));
        peers.forEach(peer -> contenders.add(peer.toString()));
        List<GptShape> shapes = options.quick() ? List.of(GptShape.DEFAULT)
            : List.of(GptShape.DEFAULT, GptShape.WIDE, GptShape.GPT2);
        List<Result> results = new ArrayList<>();
        try (Harness harness = options.start(peers)) {
            for (GptShape shape : shapes) {
                Map<String, Double> nanos = harness.measure(StepBenchmark.class, shape.toString(), contenders, SECONDS);
                results.addAll(Result.compare(SUITE, shape.toString(), nanos, new Result.Milliseconds()));
                results.addAll(Result.compare(SUITE, shape + " throughput", nanos, new Result.TokensPerSecond(shape.tokens())));
            }
            OptionalDouble one = harness.measure(ChainBenchmark.class, "1", "one operation on 10M f32", CHAIN_SECONDS);
            OptionalDouble ten = harness.measure(ChainBenchmark.class, "10", "ten operations on 10M f32", CHAIN_SECONDS);
            if (one.isPresent() && ten.isPresent()) {
                results.add(Result.figure(SUITE, "one operation on 10M f32", one.getAsDouble() / 1e6, "ms", null));
                results.add(Result.figure(SUITE, "ten operations on 10M f32", ten.getAsDouble() / 1e6, "ms", null));
                results.add(Result.figure(SUITE, "ten operations over one", ten.getAsDouble() / one.getAsDouble(), "times",
                    CHAIN_BOUND));
            }
            results.addAll(around());
            return options.report(results, "ms", peers, harness);
        }
    }

    /** What the default GPT's step costs besides its kernels. */
    private List<Result> around() {
        try (AdjointStep step = new AdjointStep(GptShape.DEFAULT, options.threads())) {
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
                Result.figure(SUITE, "arena of the plan", step.memory().arenaBytes() / (double) (1 << 20), "MiB", null));
        }
    }
}
