package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.adjoint.cuda.launch.Product;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Products through views, against sums of small whole numbers, which are exact. */
class MatMulTest {
    @BeforeAll
    static void open() {
        StepFixture.open();
    }

    @AfterAll
    static void close() {
        StepFixture.close();
    }

    private static void checkProduct(StepFixture fixture, View a, View b) {
        int rank = a.shape().rank();
        int m = (int) a.shape().extent(rank - 2);
        int k = (int) a.shape().extent(rank - 1);
        int n = (int) b.shape().extent(rank - 1);
        View c = fixture.output(a.dtype(), a.shape().with(rank - 1, n));
        fixture.run(new Op.MatMul(), List.of(a, b), List.of(c));
        double[] left = fixture.values(a);
        double[] right = fixture.values(b);
        for (int element = 0; element < c.shape().elements(); element++) {
            int batch = element / (m * n);
            double sum = 0;
            for (int p = 0; p < k; p++) {
                sum += left[(batch * m + element / n % m) * k + p] * right[(batch * k + p) * n + element % n];
            }
            sum = a.dtype() == DType.U8 ? (long) sum & 0xff : sum;
            assertEquals(sum, fixture.get(c, element), a + " . " + b + ", element " + element);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void matricesAreMultipliedThroughViews(DType dtype) {
        StepFixture fixture = new StepFixture();
        int m = 13;
        int n = 17;
        int k = 21;
        // a broadcast over the first batch axis, b transposed in memory.
        View a = fixture.strided(dtype, Shape.of(2, 3, m, k), new long[] {0, m * k, k, 1}, 0, 3L * m * k,
            i -> i % (3 * m * k) % 5);
        View b = fixture.strided(dtype, Shape.of(2, 3, k, n), new long[] {3L * k * n, (long) k * n, 1, k}, 0,
            6L * k * n, i -> i % 3);
        checkProduct(fixture, a, b);
        // Heads of attention: (time, head, width) seen as (head, time, width), with rows that lie apart.
        View q = fixture.strided(dtype, Shape.of(2, 3, m, k), new long[] {3L * m * k, k, 3L * k, 1}, 0, 6L * m * k,
            i -> i % 7);
        checkProduct(fixture, q, b);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 13, 40", "33, 1, 5", "65, 1, 1", "1, 67, 1", "32, 64, 33", "65, 67, 207"})
    void oddSizesAndVectors(int m, int n, int k) {
        for (DType dtype : new DType[] {DType.I32, DType.I64, DType.U8, DType.F32}) {
            StepFixture fixture = new StepFixture();
            View a = fixture.tensor(dtype, Shape.of(m, k), i -> i % 5);
            View b = fixture.tensor(dtype, Shape.of(k, n), i -> i % 3);
            checkProduct(fixture, a, b);
            View column = fixture.strided(dtype, Shape.of(k, 1), new long[] {3, 1}, 1, 3L * k, i -> i % 3);
            checkProduct(fixture, a, MatMulKernel.fits(column) ? column : b);
            View transposed = fixture.strided(dtype, Shape.of(m, k), new long[] {1, m}, 0, (long) m * k, i -> i % 5);
            checkProduct(fixture, transposed, b);
        }
    }

    @Test
    void integersWrap() {
        StepFixture fixture = new StepFixture();
        View a = fixture.tensor(DType.I64, Shape.of(1, 2), 0, 0);
        View b = fixture.tensor(DType.I64, Shape.of(2, 1), 0, 0);
        View c = fixture.output(DType.I64, Shape.of(1, 1));
        fixture.setLong(a, 0, Long.MAX_VALUE);
        fixture.setLong(a, 1, 5);
        fixture.setLong(b, 0, 3);
        fixture.setLong(b, 1, Long.MIN_VALUE);
        fixture.run(new Op.MatMul(), List.of(a, b), List.of(c));
        assertEquals(Long.MAX_VALUE * 3 + Long.MIN_VALUE * 5, fixture.get(c, 0));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void aProductOfNothingIsZero(DType dtype) {
        StepFixture fixture = new StepFixture();
        View a = fixture.tensor(dtype, Shape.of(3, 0));
        View b = fixture.tensor(dtype, Shape.of(0, 5));
        checkProduct(fixture, a, b);
    }

    private static View view(Shape shape, long... strides) {
        return new View(0, DType.BF16, shape, strides, 5);
    }

    private static List<Work> products(View a, View b, Shape c) {
        return MatMulKernel.prepare(new PlanStep.Kernel(new Op.MatMul(), List.of(a, b),
            List.of(View.contiguous(1, DType.BF16, c)))).work();
    }

    @Test
    void whatFits() {
        assertTrue(MatMulKernel.fits(view(Shape.of(4, 6), 6, 1)));
        assertTrue(MatMulKernel.fits(view(Shape.of(4, 6), 1, 4)));
        assertTrue(MatMulKernel.fits(view(Shape.of(4, 6), 9, 1)));
        assertTrue(MatMulKernel.fits(view(Shape.of(1, 6), 0, 3)));
        assertTrue(MatMulKernel.fits(view(Shape.of(6, 1), 3, 0)));
        assertTrue(MatMulKernel.fits(view(Shape.of(12, 4, 6), 0, 6, 1)));
        assertFalse(MatMulKernel.fits(view(Shape.of(4, 6), 12, 2)));
        assertFalse(MatMulKernel.fits(view(Shape.of(4, 6), 0, 1)), "rows that overlap");
        assertFalse(MatMulKernel.fits(view(Shape.of(4, 6), 3, 1)), "rows that overlap");
        assertFalse(MatMulKernel.fits(view(Shape.of(4, 6), -6, 1)));
        assertFalse(MatMulKernel.fits(view(Shape.of(4, 6), 3L << 30, 1)));
        assertFalse(MatMulKernel.fits(view(Shape.of(100, 100, 4, 6), 24, 2424, 6, 1)), "a hundred products");
    }

    @Test
    void aBatchIsOneProductWhereItCanBe() {
        Product one = (Product) products(view(Shape.of(8, 12, 4, 6), 288, 24, 6, 1),
            view(Shape.of(8, 12, 6, 5), 0, 0, 1, 6), Shape.of(8, 12, 4, 5)).getFirst();
        assertEquals(new Product(DType.BF16, 4, 5, 6, new Product.Matrix(0, 10, 6, false, 24),
            new Product.Matrix(0, 10, 6, true, 0), new Product.Matrix(1, 0, 5, false, 20), 96), one);
        // (batch, time, head, width) seen as (batch, head, time, width): heads are the longer axis.
        List<Work> several = products(view(Shape.of(8, 12, 4, 6), 288, 6, 72, 1),
            view(Shape.of(8, 12, 6, 5), 360, 30, 5, 1), Shape.of(8, 12, 4, 5));
        assertEquals(8, several.size());
        assertEquals(new Product(DType.BF16, 4, 5, 6, new Product.Matrix(0, 10 + 3 * 288 * 2, 72, false, 6),
            new Product.Matrix(0, 10 + 3 * 360 * 2, 5, false, 30),
            new Product.Matrix(1, 3 * 240 * 2, 5, false, 20), 12), several.get(3));
    }

    @Test
    void anExtentBeyondCublasIsAnError() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> products(view(Shape.of(3L << 30, 1), 1, 1),
            view(Shape.of(1, 1), 1, 1), Shape.of(3L << 30, 1))).getMessage().startsWith("matmul: "));
    }
}
