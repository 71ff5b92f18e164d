package org.adjoint.bench.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResultTest {
    private static final MachineInfo MACHINE = new MachineInfo("Some CPU", 2, "JDK 25", 512, 1, "2026-01-01T00:00:00Z",
        "abc1234");

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
            new Result.GigaFlops(2e9));
        assertEquals(100, results.get(0).median(), 1e-9);
        assertEquals(0.5, results.get(0).ratio());
        assertEquals("pytorch", results.get(0).peer());
        assertEquals(10.0 / 15, results.get(1).ratio(), 1e-12);
        assertNull(results.get(2).ratio());
        assertNull(results.get(3).ratio());
    }

    @Test
    void aRatioIsOfRatesAlsoWhereTimesAreReported() {
        Map<String, Double> times = times("adjoint", 5e6, "pytorch", 10e6);
        Result ours = Result.compare("step", "gpt", times, new Result.Milliseconds()).getFirst();
        assertEquals(5, ours.median());
        assertEquals(2, ours.ratio());
        Result throughput = Result.compare("step", "gpt", times, new Result.TokensPerSecond(100)).getFirst();
        assertEquals(20_000, throughput.median(), 1e-9);
        assertEquals(2, throughput.ratio());
    }

    @Test
    void withoutPeersThereIsNoRatio() {
        Result result = Result.compare("gemm", "sgemm NN 8", times("adjoint", 1e3), new Result.GigaFlops(1024))
            .getFirst();
        assertEquals(List.of("suite", "case", "contender", "median", "unit"), List.copyOf(result.fields().keySet()));
    }

    @Test
    void theTableNamesACaseOnce() {
        List<Result> results = new ArrayList<>(Result.compare("gemm", "sgemm NN 1024",
            times("adjoint", 20e6, "openblas", 10e6), new Result.GigaFlops(2e9)));
        results.add(Result.figure("step", "ten over one", 1.25, "times", 1.3));
        StringWriter text = new StringWriter();
        new Report(MACHINE, results).print(new PrintWriter(text));
        assertEquals("""
            Some CPU, 1 of 2 cores, 512-bit vectors, JDK 25, commit abc1234
            case           contender      median          ratio
            sgemm NN 1024  adjoint         100.0 GFLOP/s  0.50 of openblas
                           openblas        200.0 GFLOP/s
            ten over one   adjoint          1.25 times    bound 1.30
            """, text.toString().replace(System.lineSeparator(), "\n"));
    }

    @Test
    void programsGetTheMachineAndEveryLine() {
        Report report = new Report(MACHINE, Result.compare("gemm", "sgemm NN 1024",
            times("adjoint", 20e6, "openblas", 10e6), new Result.GigaFlops(2e9)));
        assertEquals(Map.of("processor", "Some CPU", "cores", 2, "jdk", "JDK 25", "vectorBits", 512, "threads", 1,
            "date", "2026-01-01T00:00:00Z", "commit", "abc1234"), report.fields().get("machine"));
        assertEquals(List.of(
            Map.of("suite", "gemm", "case", "sgemm NN 1024", "contender", "adjoint", "median", 100.0, "unit", "GFLOP/s",
                "ratio", 0.5, "peer", "openblas"),
            Map.of("suite", "gemm", "case", "sgemm NN 1024", "contender", "openblas", "median", 200.0,
                "unit", "GFLOP/s")), report.fields().get("results"));
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
}
