package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.Device;
import org.adjoint.contract.ContractSuite;
import org.adjoint.contract.OpResult;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the operations' contract asks of CUDA: the real kernels, on the emulated card. */
class CudaContractTest {
    /** Most of the time goes into compiling kernels: those that many threads wait for are compiled together. */
    private static final int THREADS = 16;

    private Emulator emulator;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
    }

    /** Each access checked, each launch in three orders of its threads, no memory shared that need not be. */
    @Test
    void passesInEveryDtypeUnderEveryCheck() {
        emulator.order(Emulator.Order.ALL);
        List<OpResult> results = run(Map.of("pooling", "false", "separateIntermediates", "true", "graphs", "false"),
            EnumSet.allOf(DType.class));
        System.out.printf("CUDA on the emulator: %d operations, %d samples, %d kernels launched%n",
            results.stream().map(OpResult::op).distinct().count(), results.stream().mapToInt(OpResult::samples).sum(),
            emulator.launches().size());
        assertEquals(new HashSet<>(ContractSuite.operations()),
            new HashSet<>(results.stream().map(OpResult::op).toList()));
    }

    /** As it runs on a card: one arena, memory reused, graphs. */
    @Test
    void passesWithPooledMemoryAndGraphs() {
        run(Map.of(), EnumSet.of(DType.F32, DType.BF16));
    }

    private List<OpResult> run(Map<String, String> options, Set<DType> dtypes) {
        List<OpResult> results;
        try {
            results = ContractSuite.runInThreads(THREADS, () -> Device.open("cuda", options),
                suite -> suite.dtypes(dtypes).withoutDifferences());
        } catch (IllegalStateException e) {
            throw new AssertionError("the suite broke off; the emulator says: " + emulator.fault(), e);
        }
        assertEquals("", String.join(System.lineSeparator(),
            results.stream().filter(result -> !result.passed()).map(OpResult::message).toList()),
            () -> "the emulator says: " + emulator.fault());
        assertEquals("", emulator.fault());
        assertEquals(0, emulator.liveBytes(), "bytes that a closed device left behind");
        return results;
    }
}
