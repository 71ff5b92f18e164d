package org.adjoint.cpu.gemm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.adjoint.cpu.gemm.GemmCase.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Products against the naive loop, and their bits across widths and workers. */
class GemmTest {

    private static final List<Gemm> WIDTHS = List.of(new Gemm(512), new Gemm(256), new Gemm(128), new Gemm(0));
    private static final Gemm PREFERRED = Gemm.preferred();

    /** Three threads that claim tasks. */
    private static final Parallel THREADS = new Parallel() {
        @Override
        public int workers() {
            return 3;
        }

        @Override
        public void run(int tasks, TaskBody body) {
            AtomicInteger next = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            List<Throwable> failures = new ArrayList<>();
            for (int worker = 0; worker < workers(); worker++) {
                int index = worker;
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        for (int task = next.getAndIncrement(); task < tasks; task = next.getAndIncrement()) {
                            body.run(task, index);
                        }
                    } catch (Throwable failure) {
                        synchronized (failures) {
                            failures.add(failure);
                        }
                    }
                }));
            }
            for (Thread thread : threads) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            assertEquals(List.of(), failures);
        }
    };

    private static List<GemmCase.Builder> cases() {
        List<GemmCase.Builder> cases = new ArrayList<>();
        int rows = PREFERRED.kernels(ElementType.F32).tileRows();
        int columns = PREFERRED.kernels(ElementType.F32).panelColumns();
        int depth = PREFERRED.kernels(ElementType.F32).maxDepth();
        for (long m : new long[] {1, 13, rows - 1, rows, rows + 1, 207}) {
            for (long n : new long[] {1, 13, columns - 1, columns, columns + 1, 207}) {
                cases.add(GemmCase.of(m, n, 13));
            }
        }
        for (long k : new long[] {1, 2, 15, 16, 17, depth - 1, depth, depth + 1, 2 * depth + 1}) {
            cases.add(GemmCase.of(13, 33, k));
            cases.add(GemmCase.of(1, 33, k));
            cases.add(GemmCase.of(2, 300, k).accumulate());
            cases.add(GemmCase.of(33, 1, k));
        }
        for (Order a : Order.values()) {
            for (Order b : Order.values()) {
                cases.add(GemmCase.of(15, 35, depth + 1).orders(a, b, Order.PADDED_ROWS));
            }
        }
        for (Order c : Order.values()) {
            cases.add(GemmCase.of(30, 45, 400).orders(Order.ROWS, Order.COLUMNS, c).accumulate());
            cases.add(GemmCase.of(1, 45, 400).orders(Order.ROWS, Order.ROWS, c).accumulate());
            cases.add(GemmCase.of(45, 1, 400).orders(Order.ROWS, Order.ROWS, c));
        }
        for (ElementType type : new ElementType[] {ElementType.F16, ElementType.BF16, ElementType.F64}) {
            for (Order order : Order.values()) {
                cases.add(GemmCase.of(31, 71, 500).types(type, type, type).orders(order, order, order));
                cases.add(GemmCase.of(31, 71, 500).types(type, type, type).orders(order, order, order).accumulate());
            }
            cases.add(GemmCase.of(1, 300, 500).types(type, type, type));
            cases.add(GemmCase.of(1, 300, 500).types(type, type, type).orders(Order.ROWS, Order.COLUMNS, Order.ROWS));
            cases.add(GemmCase.of(130, 140, 300).types(type, type, type).accumulate());
        }
        cases.add(GemmCase.of(20, 40, 300).types(ElementType.BF16, ElementType.F32, ElementType.F32));
        cases.add(GemmCase.of(1, 40, 300).types(ElementType.F32, ElementType.F32, ElementType.BF16).accumulate());
        cases.add(GemmCase.of(3, 40, 300).types(ElementType.F32, ElementType.BF16, ElementType.F16));
        for (ElementType type : new ElementType[] {ElementType.I32, ElementType.I64}) {
            cases.add(GemmCase.of(13, 17, 29).types(type, type, type));
            cases.add(GemmCase.of(13, 17, 29).types(type, type, type).orders(Order.COLUMNS, Order.ROWS, Order.SPREAD)
                    .accumulate().batch(false, true, 3));
        }
        // Whole products packed in pieces, with every edge; then one whose depth is split among workers.
        cases.add(GemmCase.of(207, 207, 207));
        cases.add(GemmCase.of(150, 130, 900).orders(Order.COLUMNS, Order.COLUMNS, Order.COLUMNS).accumulate());
        cases.add(GemmCase.of(150, 130, 1700).orders(Order.COLUMNS, Order.ROWS, Order.ROWS).accumulate());
        cases.add(GemmCase.of(1020, 70, 60).orders(Order.COLUMNS, Order.ROWS, Order.ROWS));
        cases.add(GemmCase.of(120, 2100, 20).orders(Order.ROWS, Order.COLUMNS, Order.PADDED_ROWS));
        cases.add(GemmCase.of(15, 34, 3073).orders(Order.COLUMNS, Order.ROWS, Order.ROWS));
        cases.add(GemmCase.of(15, 34, 3500).orders(Order.COLUMNS, Order.ROWS, Order.PADDED_ROWS).accumulate()
                .batch(false, false, 2));
        cases.add(GemmCase.of(64, 64, 64).batch(false, false, 3, 5));
        cases.add(GemmCase.of(9, 20, 33).batch(true, false, 2, 7).accumulate());
        cases.add(GemmCase.of(9, 20, 33).batch(false, true, 2, 7).orders(Order.COLUMNS, Order.COLUMNS, Order.COLUMNS));
        cases.add(GemmCase.of(1, 20, 33).batch(false, true, 6));
        for (boolean accumulate : new boolean[] {false, true}) {
            for (ElementType type : ElementType.values()) {
                GemmCase.Builder empty = GemmCase.of(5, 6, 0).types(type, type, type).batch(false, false, 2);
                cases.add(accumulate ? empty.accumulate() : empty);
            }
        }
        cases.add(GemmCase.of(0, 6, 5));
        cases.add(GemmCase.of(6, 0, 5));
        cases.add(GemmCase.of(6, 5, 4).batch(false, false, 3, 0));
        return cases;
    }

    @Test
    void agreesWithTheNaiveLoopWithTheSameBitsEverywhere() {
        for (GemmCase.Builder builder : cases()) {
            try (Arena arena = Arena.ofShared()) {
                GemmCase product = builder.in(arena);
                byte[] bits = product.run(PREFERRED, Parallel.SEQUENTIAL);
                int maxDepth = PREFERRED.kernels(product.type == ElementType.F64 ? ElementType.F64 : ElementType.F32)
                        .maxDepth();
                assertNull(product.verdict(maxDepth), builder::toString);
                assertArrayEquals(bits, product.run(PREFERRED, THREADS), () -> builder + ", 3 workers");
                for (Gemm gemm : WIDTHS) {
                    assertArrayEquals(bits, product.run(gemm, Parallel.SEQUENTIAL),
                            () -> builder + ", " + gemm.vectorBits() + " bits");
                }
            }
        }
    }

    private static Stream<long[]> nonFiniteSizes() {
        return Stream.of(new long[] {20, 40, 30}, new long[] {1, 40, 30}, new long[] {150, 150, 150},
                new long[] {4, 5, 3100});
    }

    @ParameterizedTest
    @MethodSource("nonFiniteSizes")
    void nanAndInfinityStayInTheirRow(long[] sizes) {
        try (Arena arena = Arena.ofShared()) {
            GemmCase product = GemmCase.of(sizes[0], sizes[1], sizes[2]).in(arena);
            product.setA(0, 2, Double.NaN);
            long last = sizes[0] - 1;
            if (last > 0) {
                product.setA(last, 1, Double.POSITIVE_INFINITY);
            }
            for (Gemm gemm : WIDTHS) {
                product.run(gemm, Parallel.SEQUENTIAL);
                for (long column = 0; column < sizes[1]; column++) {
                    assertTrue(Double.isNaN(product.result(0, 0, column)));
                    for (long row = 1; row < last; row++) {
                        assertTrue(Double.isFinite(product.result(0, row, column)));
                    }
                    assertTrue(last == 0 || Double.isInfinite(product.result(0, last, column)));
                }
            }
        }
    }

    @Test
    void oneElementDoesNotDependOnTheSizeOfTheProduct() {
        try (Arena arena = Arena.ofShared()) {
            // Few rows go by a split depth, 200 x 200 is too large for that and is packed in pieces.
            GemmCase large = GemmCase.of(200, 200, 3500).orders(Order.ROWS, Order.COLUMNS, Order.ROWS).in(arena);
            large.run(PREFERRED, Parallel.SEQUENTIAL);
            for (long rows : new long[] {1, 3, 20}) {
                GemmCase part = large.firstRows(rows);
                part.run(PREFERRED, THREADS);
                for (long row = 0; row < rows; row++) {
                    for (long column = 0; column < 200; column++) {
                        assertEquals(large.result(0, row, column), part.result(0, row, column));
                    }
                }
            }
        }
    }

    @Test
    void refusesWhatDoesNotGoTogether() {
        Layout floats = Layout.rowMajor(ElementType.F32, 4);
        Layout doubles = Layout.rowMajor(ElementType.F64, 4);
        String types = assertThrows(IllegalArgumentException.class,
                () -> PREFERRED.plan(4, 4, 4, floats, doubles, floats, false)).getMessage();
        assertEquals("gemm: a F32, b F64 and c F32 are not computed in the same type; cast one", types);
        String batch = assertThrows(IllegalArgumentException.class,
                () -> PREFERRED.plan(4, 4, 4, floats, floats, floats, false, 2)).getMessage();
        assertEquals("gemm: 1 batch extents, but a layout with 0 batch strides", batch);
        assertThrows(IllegalArgumentException.class, () -> PREFERRED.plan(-1, 4, 4, floats, floats, floats, false));
        assertThrows(IllegalArgumentException.class, () -> new Gemm(64));
        assertFalse(PREFERRED.vectorBits() < 0);
    }
}
