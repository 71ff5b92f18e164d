package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.cuda.driver.CudaException;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Steps are replayed as graphs, though callers keep what they return. */
class CudaGraphsTest {
    private static final int INVALID_VALUE = 1;
    private static final int RUNS = 40;

    private Emulator emulator;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
    }

    @AfterEach
    void forget() {
        emulator.reset();
        emulator.order(Emulator.Order.ALL);
    }

    /** A step with results of odd sizes, an index that is checked, and a variable that changes. */
    private static final class Counting implements AutoCloseable {
        private final Variable weights;
        private final Step step;
        private final Tensor rows;

        Counting(Device device) {
            weights = device.variable("weights", device.arange(DType.F32, 21).reshape(7, 3));
            rows = device.tensor(new int[] {6, 0, 2});
            step = Step.compileAll(device, at -> {
                Tensor picked = weights.tensor().embedding(at.getFirst());
                weights.assign(weights.tensor().add(1));
                return List.of(picked.sum(), picked,
                    picked.greaterThan(10).to(DType.F32).sum(1).greaterThan(1), picked.to(DType.BF16));
            });
        }

        List<Tensor> run() {
            return step.runAll(List.of(rows));
        }

        @Override
        public void close() {
            step.close();
        }

        /** What the run after {@code before} others gives, worked out by hand. */
        static void requireAfter(int before, List<Tensor> results) {
            double[] picked = {18, 19, 20, 0, 1, 2, 6, 7, 8};
            double sum = 0;
            for (int i = 0; i < picked.length; i++) {
                picked[i] += before;
                sum += picked[i];
            }
            assertEquals(sum, results.get(0).item());
            assertArrayEquals(picked, results.get(1).toDoubleArray());
            double[] many = new double[3];
            for (int row = 0; row < 3; row++) {
                int count = 0;
                for (int column = 0; column < 3; column++) {
                    count += picked[3 * row + column] > 10 ? 1 : 0;
                }
                many[row] = count > 1 ? 1 : 0;
            }
            assertArrayEquals(many, results.get(2).to(DType.F32).toDoubleArray());
            assertArrayEquals(picked, results.get(3).toDoubleArray());
        }
    }

    @Test
    void aLoopThatKeepsItsResultsIsReplayed() {
        try (Device device = Device.open("cuda"); Counting counting = new Counting(device)) {
            List<List<Tensor>> kept = new ArrayList<>();
            for (int i = 0; i < RUNS / 2; i++) {
                kept.add(counting.run());
            }
            emulator.forgetCalls();
            for (int i = RUNS / 2; i < RUNS; i++) {
                kept.add(counting.run());
            }
            List<String> calls = emulator.calls();
            assertEquals(0, Collections.frequency(calls, "cuGraphInstantiate"));
            // What comes before indices are checked, and the rest.
            assertEquals(2 * RUNS / 2, Collections.frequency(calls, "cuGraphLaunch"));
            for (int i = 0; i < RUNS; i++) {
                Counting.requireAfter(i, kept.get(i));
            }
            assertEquals("", emulator.fault());
        }
    }

    @Test
    void resultsThatAreNotKeptTakeNoCopies() {
        try (Device device = Device.open("cuda"); Counting counting = new Counting(device)) {
            for (int i = 0; i < RUNS; i++) {
                emulator.forgetCalls();
                try (var scope = device.scope()) {
                    Counting.requireAfter(i, counting.run());
                }
            }
            emulator.forgetCalls();
            try (var scope = device.scope()) {
                counting.run();
            }
            assertEquals(0, Collections.frequency(emulator.calls(), "cuMemcpyHtoDAsync"));
        }
    }

    @Test
    void whereResultsAreKeptAStepThatFailsHasNotHappened() {
        try (Device device = Device.open("cuda"); Counting counting = new Counting(device)) {
            int runs = 0;
            List<List<Tensor>> kept = new ArrayList<>();
            for (; runs < RUNS; runs++) {
                kept.add(counting.run());
            }
            emulator.forgetCalls();
            kept.add(counting.run());
            runs++;
            // What fails only when it runs loses the device.
            List<String> calls = emulator.calls().stream().filter(it -> it.startsWith("cu")).toList();
            assertTrue(calls.size() > 5, calls.toString());
            int failures = 0;
            for (int i = 0; i < calls.size(); i++) {
                long live = device.liveBytes();
                emulator.failAt(calls.get(i), Collections.frequency(calls.subList(0, i + 1), calls.get(i)),
                    INVALID_VALUE);
                try {
                    kept.add(counting.run());
                    runs++;
                } catch (CudaException e) {
                    failures++;
                    assertEquals(live, device.liveBytes());
                }
                emulator.failNoMore();
                List<Tensor> next = counting.run();
                Counting.requireAfter(runs, next);
                kept.add(next);
                runs++;
            }
            assertTrue(failures > 3, "failures: " + failures);
        }
    }

    @Test
    void anIndexOutOfRangeIsToldOfWhereResultsAreKept() {
        try (Device device = Device.open("cuda"); Counting counting = new Counting(device)) {
            List<List<Tensor>> kept = new ArrayList<>();
            for (int i = 0; i < RUNS; i++) {
                kept.add(counting.run());
            }
            Tensor bad = device.tensor(new int[] {6, 7, 2});
            IndexOutOfBoundsException e =
                assertThrows(IndexOutOfBoundsException.class, () -> counting.step.runAll(List.of(bad)));
            assertEquals("embedding: index 7 at position (1) is out of range for axis 0 with extent 7", e.getMessage());
            Counting.requireAfter(RUNS, counting.run());
        }
    }

    @Test
    void largeResultsAreKeptAsWell() {
        try (Device device = Device.open("cuda", Map.of())) {
            Tensor x = device.arange(DType.F32, 300_000).realize();
            Step step = Step.compile(device, y -> y.add(1));
            List<Tensor> kept = new ArrayList<>();
            for (int i = 0; i < RUNS / 2; i++) {
                kept.add(step.run(x));
            }
            assertEquals(300_000, kept.getLast().toDoubleArray()[299_999]);
            assertEquals("", emulator.fault());
        }
    }
}
