package org.adjoint.bench.suite;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code adjoint bench gemm}. */
@Command(
        name = "gemm",
        description = {
            "Matrix products in GFLOP/s: square ones, transposed ones and the shapes of a GPT.",
            "'adjoint' is a compiled step with a new result each time; 'adjoint kernel' (with one thread) its kernel "
                + "alone."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint bench gemm --quick",
            "  adjoint bench gemm --peers openblas --threads 1 --json gemm.json --chart gemm.png"
        })
final class GemmCommand implements Callable<Integer> {
    private static final List<String> CASES = List.of(
        "sgemm NN 256", "sgemm NN 512", "sgemm NN 1024", "sgemm NN 2048", "sgemm NT 1024", "sgemm TN 1024",
        // Products of a GPT 384 wide over 2,048 tokens: forward, gradient of the input, gradient of the weight.
        "sgemm NN 2048x1536x384", "sgemm NT 2048x384x1536", "sgemm TN 384x1536x2048",
        "sgemm NN 8x2048x2048", "dgemm NN 1024");
    private static final List<String> QUICK_CASES = List.of("sgemm NN 1024", "sgemm NT 1024", "sgemm TN 1024");
    private static final double SECONDS = 1;

    @Mixin
    private SuiteOptions options;

    @Override
    public Integer call() throws Exception {
        Set<Peer> peers = options.peers(Peer::hasGemm);
        List<String> contenders = new ArrayList<>(List.of(Contenders.ADJOINT));
        if (options.threads() == 1) {
            contenders.add(Contenders.KERNEL);
        }
        peers.forEach(peer -> contenders.add(peer.toString()));
        List<Result> results = new ArrayList<>();
        try (Harness harness = options.start(peers)) {
            for (String work : options.quick() ? QUICK_CASES : CASES) {
                Map<String, Double> nanos = harness.measure(GemmBenchmark.class, work, contenders, SECONDS);
                results.addAll(Result.compare("gemm", work, nanos,
                    new Result.GigaFlops(GemmCase.parse(work).operations())));
            }
            return options.report(results, "GFLOP/s", Peer::hasGemm, harness);
        }
    }
}
