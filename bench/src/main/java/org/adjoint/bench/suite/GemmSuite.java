package org.adjoint.bench.suite;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Matrix products: square ones, transposed ones and the shapes of a GPT. {@code adjoint} is a compiled step with a new
 * result each time; {@code adjoint kernel}, with one thread, its kernel alone.
 */
final class GemmSuite {
    private static final List<String> CASES = List.of(
        "sgemm NN 256", "sgemm NN 512", "sgemm NN 1024", "sgemm NN 2048", "sgemm NT 1024", "sgemm TN 1024",
        // Products of a GPT 384 wide over 2,048 tokens: forward, gradient of the input, gradient of the weight.
        "sgemm NN 2048x1536x384", "sgemm NT 2048x384x1536", "sgemm TN 384x1536x2048",
        "sgemm NN 8x2048x2048", "dgemm NN 1024");
    private static final List<String> QUICK_CASES = List.of("sgemm NN 1024", "sgemm NT 1024", "sgemm TN 1024");
    private static final double SECONDS = 1;

    private GemmSuite() { }

    static List<Result> run(SuiteRun run) throws IOException {
        List<String> contenders = run.contenders(Suite.GEMM);
        if (run.threads() == 1 && run.isOnCpu()) {
            contenders.add(1, Contenders.KERNEL);
        }
        List<Result> results = new ArrayList<>();
        for (String work : run.quick() ? QUICK_CASES : CASES) {
            GemmCase product = GemmCase.parse(work);
            Map<String, Double> nanos = run.harness().measure(GemmBenchmark.class, work, contenders, SECONDS);
            // A vector holds half as many doubles.
            double operations = product.f64() ? 2 * product.operations() : product.operations();
            results.addAll(Result.compare("gemm", work, nanos, new Result.GigaFlops(product.operations()),
                run.ceiling().leastNanos(operations, 0)));
        }
        return results;
    }
}
