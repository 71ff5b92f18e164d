package org.adjoint.bench.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.adjoint.cpu.gemm.MultiplyAdds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResultTest {
    private static final MachineInfo MACHINE = new MachineInfo("Some CPU", 2, "JDK 25", 512, 1, "2026-01-01T00:00:00Z",
        "abc1234");

    private static final Ceiling CEILING = new Ceiling(500, 20);

    private static Map<String, Double> times(Object... contenders) {
        Map<String, Double> times = new LinkedHashMap<>();
        for (int i = 0; i < contenders.length; i += 2) {
            times.put((String) contenders[i], (Double) contenders[i + 1]);
        }
        return times;
    }

    @Test
    void oursIsComparedWithTheFastestPeer() {
        List<Result> results = Result.compare("gemm", "sgemm NN 1024",
            times("adjoint", 20e6, "adjoint kernel", 15e6, "openblas", 12e6, "pytorch", 10e6),
            new Result.GigaFlops(2e9), 5e6);
        assertEquals(100, results.get(0).median(), 1e-9);
        assertEquals(0.25, results.get(0).ofCeiling());
        assertEquals(0.5, results.get(3).ofCeiling());
        assertEquals(0.5, results.get(0).ratio());
        assertEquals("pytorch", results.get(0).peer());
        assertEquals(10.0 / 15, results.get(1).ratio(), 1e-12);
        assertNull(results.get(2).ratio());
        assertNull(results.get(3).ratio());
    }

    @Test
    void aRatioIsOfRatesAlsoWhereTimesAreReported() {
        Map<String, Double> times = times("adjoint", 5e6, "pytorch", 10e6);
        Result ours = Result.compare("step", "gpt", times, new Result.Milliseconds(), 1e6).getFirst();
        assertEquals(5, ours.median());
        assertEquals(2, ours.ratio());
        Result throughput = Result.compare("step", "gpt", times, new Result.TokensPerSecond(100), 1e6).getFirst();
        assertEquals(20_000, throughput.median(), 1e-9);
        assertEquals(2, throughput.ratio());
    }

    @Test
    void withoutPeersThereIsNoRatio() {
        Result result = Result.compare("gemm", "sgemm NN 8", times("adjoint", 1e3), new Result.GigaFlops(1024),
            100).getFirst();
        assertEquals(List.of("suite", "case", "contender", "median", "unit", "ofCeiling"),
            List.copyOf(result.fields().keySet()));
    }

    @Test
    void theTableNamesACaseOnce() {
        List<Result> results = new ArrayList<>(Result.compare("gemm", "sgemm NN 1024",
            times("adjoint", 20e6, "openblas", 10e6), new Result.GigaFlops(2e9), 4e6));
        results.add(Result.figure("step", "ten over one", 1.25, "times", 1.3));
        StringWriter text = new StringWriter();
        new Report(MACHINE, CEILING, "cpu", results).print(new PrintWriter(text));
        assertEquals("""
            Some CPU, 1 of 2 cores, 512-bit vectors, JDK 25, commit abc1234
            ceiling: 500.0 GFLOP/s of f32 multiply-adds, 20.0 GB/s of copies
            case           contender      median          of ceiling  ratio
            sgemm NN 1024  adjoint         100.0 GFLOP/s         20%  0.50 of openblas
                           openblas        200.0 GFLOP/s         40%
            ten over one   adjoint          1.25 times                bound 1.30
            """, text.toString().replace(System.lineSeparator(), "\n"));
    }

    @Test
    void programsGetTheMachineAndEveryLine() {
        Report report = new Report(MACHINE, CEILING, "cuda:1", Result.compare("gemm", "sgemm NN 1024",
            times("adjoint", 20e6, "openblas", 10e6), new Result.GigaFlops(2e9), 4e6));
        assertEquals(Map.of("gigaFlops", 500.0, "gigaBytesPerSecond", 20.0), report.fields().get("ceiling"));
        assertEquals("cuda:1", report.fields().get("device"));
        assertEquals(Map.of("processor", "Some CPU", "cores", 2, "jdk", "JDK 25", "vectorBits", 512, "threads", 1,
            "date", "2026-01-01T00:00:00Z", "commit", "abc1234"), report.fields().get("machine"));
        assertEquals(List.of(
            Map.of("suite", "gemm", "case", "sgemm NN 1024", "contender", "adjoint", "median", 100.0, "unit", "GFLOP/s",
                "ratio", 0.5, "peer", "openblas", "ofCeiling", 0.2),
            Map.of("suite", "gemm", "case", "sgemm NN 1024", "contender", "openblas", "median", 200.0,
                "unit", "GFLOP/s", "ofCeiling", 0.4)), report.fields().get("results"));
    }

    @Test
    void halfOfTheCallsDoNotExceedTheMedian() {
        assertEquals(3, Harness.median(new TreeMap<>(Map.of(1.0, 1L, 3.0, 2L, 9.0, 1L))));
        assertEquals(9, Harness.median(new TreeMap<>(Map.of(1.0, 1L, 9.0, 2L))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"sgemm NN 1024", "dgemm TN 7", "sgemm NT 2048x384x1536"})
    void productsAreReadAsTheyArePrinted(String text) {
        assertEquals(text, GemmCase.parse(text).toString());
    }

    @Test
    void aProductOfNoKnownFormIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> GemmCase.parse("hgemm NN 8"));
        assertEquals(2.0 * 3 * 5 * 7, GemmCase.parse("sgemm NN 3x5x7").operations());
    }

    @Test
    void modelsAreReadAsTheyArePrinted() {
        assertEquals("gpt 12x768 h12 v50257 b4 t64", GptShape.GPT2.toString());
        assertEquals(GptShape.GPT2, GptShape.parse(GptShape.GPT2.toString()));
        assertEquals(256, GptShape.GPT2.tokens());
        assertThrows(IllegalArgumentException.class, () -> GptShape.parse("gpt"));
    }

    @Test
    void everyCaseOfASuiteIsReadAsItIsPrinted() {
        for (Suite suite : Suite.values()) {
            for (String work : suite.cases()) {
                assertEquals(work, OperationCase.parse(work).toString());
            }
        }
        assertThrows(IllegalArgumentException.class, () -> OperationCase.parse("softmax 4096"));
        assertThrows(IllegalArgumentException.class, () -> OperationCase.parse("tangent 4096"));
    }

    /** What has to be moved, or computed where that takes longer, is all that the machine is held to. */
    @Test
    void theCeilingIsOfMemoryOrOfArithmetic() {
        OperationCase softmax = OperationCase.parse("softmax 1000x2000 gradient");
        assertEquals(5 * 8e6, softmax.bytes());
        assertEquals(2e6, CEILING.leastNanos(softmax.operations(), softmax.bytes()));
        OperationCase convolution = OperationCase.parse("conv2d 2x3x10x10x5");
        assertEquals(2.0 * 2 * 3 * 10 * 10 * 5 * 9, convolution.operations());
        assertEquals(54_000 / 500.0, CEILING.leastNanos(convolution.operations(), convolution.bytes()));
        // Two products of 4 x 4 by 8 in each head, of which causality leaves half.
        assertEquals(2.0 * 2 * 3 * 4 * 4 * 8, OperationCase.parse("attention 2x3x4x8").operations());
        assertEquals(6.0 * (12 * 4 * 128 * 128 + 256 * 128 + 4 * 128 * 128) * 1024, GptShape.DEFAULT.operations());
    }

    @Test
    void multiplyAddsAreCounted() throws InterruptedException {
        assertEquals(0, MultiplyAdds.preferred().operations(1000) % 24_000);
        Ceiling ceiling = Ceiling.ofProcessor(1);
        assertTrue(ceiling.gigaFlops() > 0.1 && ceiling.gigaFlops() < 2_000, ceiling::toString);
        assertTrue(ceiling.gigaBytes() > 0.01 && ceiling.gigaBytes() < 2_000, ceiling::toString);
    }
}
