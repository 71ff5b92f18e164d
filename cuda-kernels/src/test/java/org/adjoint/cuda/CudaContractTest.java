package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.adjoint.Device;
import org.adjoint.contract.ContractSuite;
import org.adjoint.contract.OpResult;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the operations' contract asks of CUDA: the real kernels, on the emulated card. */
class CudaContractTest {
    /** Most of the time goes into compiling kernels, which several threads can do at once. */
    private static final int THREADS = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 8);

    private Emulator emulator;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
    }

    /** Each access checked, each launch in three orders of its threads, no memory shared that need not be. */
    @Test
    void passesInEveryDtypeUnderEveryCheck() throws Exception {
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
    void passesWithPooledMemoryAndGraphs() throws Exception {
        run(Map.of(), EnumSet.of(DType.F32, DType.BF16));
    }

    private List<OpResult> run(Map<String, String> options, Set<DType> dtypes) throws Exception {
        List<OpResult> results = Collections.synchronizedList(new ArrayList<>());
        List<String> ops = ContractSuite.operations();
        AtomicInteger next = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> done = new ArrayList<>();
            for (int thread = 0; thread < THREADS; thread++) {
                done.add(threads.submit(() -> {
                    try (Device device = Device.open("cuda", options)) {
                        for (int i = next.getAndIncrement(); i < ops.size(); i = next.getAndIncrement()) {
                            results.addAll(ContractSuite.on(device).dtypes(dtypes).ops(ops.get(i)::equals)
                                .withoutDifferences().run(_ -> { }));
                        }
                    }
                }));
            }
            for (Future<?> future : done) {
                try {
                    future.get();
                } catch (ExecutionException e) {
                    throw new AssertionError("the suite broke off; the emulator says: " + emulator.fault(), e);
                }
            }
        }
        assertEquals("", String.join(System.lineSeparator(),
            results.stream().filter(result -> !result.passed()).map(OpResult::message).toList()),
            () -> "the emulator says: " + emulator.fault());
        assertEquals("", emulator.fault());
        assertEquals(0, emulator.liveBytes(), "bytes that a closed device left behind");
        return results;
    }
}
