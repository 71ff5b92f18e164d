package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.cuda.launch.Product;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Products of matrices in rows and in columns, against sums in f64. */
class BlasTest {
    private static final long GUARD = 3;

    private static Emulator emulator;
    private static Libraries libraries;

    @TempDir
    private static Path cubins;

    private Gpu gpu;

    @BeforeAll
    static void start() {
        emulator = Emulator.require();
        libraries = Libraries.load();
    }

    @BeforeEach
    void open() {
        emulator.reset();
        gpu = Gpu.open(libraries, 0, GpuOptions.DEFAULT, new CubinCache(cubins, List.of(), 1 << 30));
    }

    @AfterEach
    void close() {
        gpu.close();
        assertEquals("", emulator.fault());
        assertEquals(0, emulator.liveAllocations());
    }

    /** A matrix in the host's memory; its elements' places follow from the matrix's layout. */
    private record Operand(Product.Matrix matrix, long rows, long cols, long batch, double[] values) {
        /** Lines are {@code gap} elements longer than they must be. */
        static Operand of(long rows, long cols, long batch, boolean transposed, long gap, boolean shared) {
            long leading = (transposed ? rows : cols) + gap;
            long extent = leading * (transposed ? cols : rows);
            Product.Matrix matrix = new Product.Matrix(0, 0, leading, transposed, shared ? 0 : extent + GUARD);
            long elements = matrix.batchStride() * (batch - 1) + extent;
            return new Operand(matrix, rows, cols, batch, new double[Math.toIntExact(elements)]);
        }

        int place(long batch, long row, long col) {
            long line = matrix.transposed() ? col : row;
            long within = matrix.transposed() ? row : col;
            return Math.toIntExact(batch * matrix.batchStride() + line * matrix.leading() + within);
        }

        void fill(DType dtype, Random random) {
            for (int i = 0; i < values.length; i++) {
                values[i] = Halves.round(dtype, random.nextDouble() * 2 - 1);
            }
        }
    }

    static Stream<Arguments> products() {
        List<Arguments> all = new ArrayList<>();
        for (DType dtype : List.of(DType.F64, DType.F32, DType.F16, DType.BF16)) {
            for (int transposes = 0; transposes < 8; transposes++) {
                for (int batch : new int[] {1, 3}) {
                    all.add(Arguments.of(dtype, (transposes & 1) != 0, (transposes & 2) != 0, (transposes & 4) != 0,
                        batch));
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0} a transposed {1} b transposed {2} c transposed {3} batch {4}")
    @MethodSource("products")
    void everyLayoutGivesTheProduct(DType dtype, boolean a, boolean b, boolean c, int batch) {
        long[][] extents = {{5, 7, 3}, {1, 1, 1}, {1, 13, 4}, {13, 1, 4}, {4, 5, 1}, {33, 17, 20}};
        for (long[] extent : extents) {
            for (long gap : new long[] {0, 2}) {
                check(dtype, extent[0], extent[1], extent[2], batch, a, b, c, gap, batch == 3 && gap == 2);
            }
        }
    }

    private void check(DType dtype, long m, long n, long k, int batch, boolean aT, boolean bT, boolean cT, long gap,
        boolean sharedB) {
        Random random = new Random(m * 100 + n * 10 + k);
        Operand a = Operand.of(m, k, batch, aT, gap, false);
        Operand b = Operand.of(k, n, batch, bT, gap, sharedB);
        Operand c = Operand.of(m, n, batch, cT, gap, false);
        a.fill(dtype, random);
        b.fill(dtype, random);
        Arrays.fill(c.values, 77);
        long[] addresses = {store(dtype, a.values), store(dtype, b.values), store(dtype, c.values)};
        gpu.multiply(new Product(dtype, m, n, k, a.matrix, b.matrix, c.matrix, batch), addresses[0], addresses[1],
            addresses[2]);
        double[] found = load(dtype, addresses[2], c.values.length);
        double[] bounds = new double[found.length];
        double[] expected = c.values.clone();
        for (int i = 0; i < batch; i++) {
            for (long row = 0; row < m; row++) {
                for (long col = 0; col < n; col++) {
                    double sum = 0;
                    double magnitude = 0;
                    for (long j = 0; j < k; j++) {
                        double term = a.values[a.place(i, row, j)] * b.values[b.place(i, j, col)];
                        sum += term;
                        magnitude += Math.abs(term);
                    }
                    expected[c.place(i, row, col)] = sum;
                    double accumulated = (k + 1) * (dtype == DType.F64 ? DType.F64 : DType.F32).epsilon();
                    bounds[c.place(i, row, col)] = magnitude * (accumulated + dtype.epsilon());
                }
            }
        }
        for (int i = 0; i < found.length; i++) {
            int at = i;
            assertTrue(Math.abs(found[i] - expected[i]) <= bounds[i], () -> "m " + m + " n " + n + " k " + k + " gap "
                + gap + ": element " + at + " is " + found[at] + ", not " + expected[at]);
        }
        for (long address : addresses) {
            gpu.free(address);
        }
    }

    private long store(DType dtype, double[] values) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate((long) values.length * dtype.bytes(), 8);
            for (int i = 0; i < values.length; i++) {
                switch (dtype) {
                    case F64 -> segment.setAtIndex(ValueLayout.JAVA_DOUBLE, i, values[i]);
                    case F32 -> segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) values[i]);
                    case F16 -> segment.setAtIndex(ValueLayout.JAVA_SHORT, i, Halves.f16(values[i]));
                    case BF16 -> segment.setAtIndex(ValueLayout.JAVA_SHORT, i, Halves.bf16(values[i]));
                    case BOOL, U8, I32, I64 -> throw new AssertionError(dtype);
                }
            }
            long address = gpu.allocate(segment.byteSize());
            gpu.write(segment, address);
            return address;
        }
    }

    private double[] load(DType dtype, long address, int count) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate((long) count * dtype.bytes(), 8);
            gpu.read(address, segment);
            double[] values = new double[count];
            for (int i = 0; i < count; i++) {
                values[i] = switch (dtype) {
                    case F64 -> segment.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
                    case F32 -> segment.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    case F16 -> Float.float16ToFloat(segment.getAtIndex(ValueLayout.JAVA_SHORT, i));
                    case BF16 -> Halves.bf16ToFloat(segment.getAtIndex(ValueLayout.JAVA_SHORT, i));
                    case BOOL, U8, I32, I64 -> throw new AssertionError(dtype);
                };
            }
            return values;
        }
    }

    /** Halves that are rounded before they are added would lose the 1s. */
    @ParameterizedTest
    @CsvSource({"F16, 2048", "BF16, 256"})
    void longSumsAreRoundedOnce(DType dtype, int large) {
        int k = 1024;
        double[] values = new double[2 * k + 1];
        Arrays.fill(values, k, 2 * k, 1);
        values[0] = large;
        values[1] = 1;
        values[k - 1] = 1;
        long x = store(dtype, values);
        long ones = x + (long) k * dtype.bytes();
        long sum = ones + (long) k * dtype.bytes();
        gpu.multiply(new Product(dtype, 1, 1, k, rows(k), rows(1), rows(1), 1), x, ones, sum);
        assertEquals(large + 2, load(dtype, x, values.length)[2 * k]);
    }

    private static Product.Matrix rows(long leading) {
        return new Product.Matrix(0, 0, leading, false, 0);
    }

    @Test
    void aSumOfNoTermsIsZeroAndNothingElseIsWritten() {
        long c = store(DType.F32, new double[] {1, 2, 3, 4, 5, 6, 7, 8});
        gpu.multiply(new Product(DType.F32, 2, 2, 0, rows(1), rows(2), rows(3), 1), c, c, c);
        gpu.multiply(new Product(DType.F32, 0, 2, 5, rows(5), rows(2), rows(2), 1), c, c, c);
        gpu.multiply(new Product(DType.F32, 2, 2, 5, rows(5), rows(2), rows(2), 0), c, c, c);
        assertArrayEquals(new double[] {0, 0, 3, 0, 0, 6, 7, 8}, load(DType.F32, c, 8));
    }

    @Test
    void theWorkspaceIsNotTheUsers() {
        long before = gpu.liveBytes();
        long x = store(DType.F32, new double[] {1, 2, 3, 4, 0});
        gpu.multiply(new Product(DType.F32, 1, 1, 2, rows(2), rows(1), rows(1), 1), x, x + 8, x + 16);
        assertArrayEquals(new double[] {1, 2, 3, 4, 11}, load(DType.F32, x, 5));
        gpu.free(x);
        assertEquals(before, gpu.liveBytes());
    }

    @Test
    void whatCublasCannotTakeIsRefused() {
        long tooFar = 1L << 31;
        var e = assertThrows(IllegalArgumentException.class, () -> gpu.multiply(
            new Product(DType.BF16, tooFar, 2, 3, rows(3), rows(2), rows(2), 1), 256, 256, 256));
        assertTrue(e.getMessage().equals("cuBLAS takes no extent beyond 2,147,483,647, but one is 2147483648: "
            + "a product of bf16 matrices (2147483648, 3) and (3, 2)"), e::getMessage);
        assertThrows(IllegalArgumentException.class, () -> gpu.multiply(
            new Product(DType.F32, 2, 2, 3, rows(tooFar), rows(2), rows(2), 1), 256, 256, 256));
        assertThrows(IllegalArgumentException.class, () -> gpu.multiply(
            new Product(DType.F32, 2, 2, 3, rows(0), rows(2), rows(2), 1), 256, 256, 256));
        assertThrows(IllegalArgumentException.class, () -> gpu.multiply(
            new Product(DType.I32, 2, 2, 3, rows(3), rows(2), rows(2), 1), 256, 256, 256));
    }

    @Test
    void productsAreCaptured() {
        long x = store(DType.F32, new double[] {3, 2, 0});
        try (Graph graph = gpu.capture(() -> gpu.multiply(
            new Product(DType.F32, 1, 1, 1, rows(1), rows(1), rows(1), 1), x, x + 4, x + 8))) {
            assertArrayEquals(new double[] {3, 2, 0}, load(DType.F32, x, 3));
            graph.launch();
            assertArrayEquals(new double[] {3, 2, 6}, load(DType.F32, x, 3));
        }
    }
}
