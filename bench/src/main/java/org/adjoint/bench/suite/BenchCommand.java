package org.adjoint.bench.suite;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.adjoint.bench.Nearest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code adjoint bench}. */
@Command(
        name = "bench",
        description = {
            "Measures with JMH, beside other libraries where they are asked for: matrix products in GFLOP/s, "
                + "operations in GB/s or GFLOP/s, with gradients where a case says so, and the training step of GPTs in "
                + "ms. 'of ceiling' is the part of what the machine's multiply-adds or its memory allow, measured in "
                + "the same run; 'ratio' is our rate over that of the fastest peer.",
            "'adjoint' is a compiled step with new results each time; 'adjoint kernel' (of gemm, with one thread) its "
                + "kernel alone. 'gpt 4x128 h4 v256 b8 t128' has 4 layers 128 wide, 4 heads, 256 kinds of tokens, and "
                + "learns from 8 texts of 128."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint bench --quick --peers pytorch,openblas,mkl",
            "  adjoint bench gemm --peers openblas --threads 1 --json gemm.json --chart gemm.png",
            "  adjoint bench step softmax --device cuda"
        })
public final class BenchCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    // Texts, for of what does not convert picocli says only that it is unknown.
    @Parameters(paramLabel = "SUITE", arity = "0..*",
            description = "What to measure, all unless told: gemm, elementwise, reductions, softmax, layerNorm, "
                + "crossEntropy, attention, convolution, step.")
    private List<String> suites = List.of();

    @Mixin
    private SuiteOptions options;

    @Override
    public Integer call() throws Exception {
        Set<Suite> chosen = EnumSet.noneOf(Suite.class);
        for (String suite : suites.isEmpty() ? Suite.names() : suites) {
            chosen.add(Suite.of(suite).orElseThrow(() -> new ParameterException(spec.commandLine(), "unknown suite '"
                + suite + "', " + Nearest.of(suite, Suite.names()).map(it -> "did you mean '" + it + "'?")
                    .orElse("one of " + String.join(", ", Suite.names())))));
        }
        return options.run(chosen);
    }
}
