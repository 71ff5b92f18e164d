package org.adjoint.cuda.kernel;

import static org.adjoint.cuda.kernel.IndexingTest.picked;
import static org.adjoint.cuda.kernel.IndexingTest.sample;
import static org.adjoint.cuda.kernel.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.SplittableRandom;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** ScatterAdd, to the bit, against loops that add in the order that the kernels promise. */
class ScatterAddTest {
    private static final Shape X = Shape.of(7, 5, 6);
    /** Rows of one destination that are summed one by one; more are cut into pieces of so many. */
    private static final int PIECE = 32;

    @BeforeAll
    static void open() {
        StepFixture.open();
    }

    @AfterAll
    static void close() {
        StepFixture.close();
    }

    private static double rounded(DType dtype, double sum) {
        if (dtype == DType.U8) {
            return (long) sum & 0xff;
        }
        return dtype.computeType() == DType.F32 ? (float) sum : sum;
    }

    /** Adds in row-major order of the indices, in pieces, in the dtype's arithmetic; 16-bit sums are rounded once. */
    private static double[] scatter(StepFixture fixture, View x, View indices, View updates, int axis) {
        DType dtype = x.dtype();
        double[] totals = fixture.values(x);
        double[] pieces = new double[totals.length];
        int[] added = new int[totals.length];
        for (int i = 0; i < indices.shape().elements(); i++) {
            int to = picked(x.shape(), indices.shape(), axis, i, (int) fixture.get(indices, i));
            double update = fixture.get(updates, i);
            if (added[to] < PIECE) {
                totals[to] = rounded(dtype, totals[to] + update);
            } else if (added[to] % PIECE == 0) {
                totals[to] = added[to] == PIECE ? totals[to] : rounded(dtype, totals[to] + pieces[to]);
                pieces[to] = update;
            } else {
                pieces[to] = rounded(dtype, pieces[to] + update);
            }
            added[to]++;
        }
        for (int to = 0; to < totals.length; to++) {
            totals[to] = added[to] > PIECE ? rounded(dtype, totals[to] + pieces[to]) : totals[to];
            totals[to] = dtype.isHalf() ? Halves.round(dtype, totals[to]) : totals[to];
        }
        return totals;
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void addsInOrder(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            int extent = (int) X.extent(axis);
            Shape shape = Shape.of(4, 5, 3).with(axis, 40);
            View x = fixture.tensor(dtype, X, i -> sample(dtype, i));
            long first = shape.extent(0);
            View indices = fixture.strided(DType.I64, shape, new long[] {1, first, first * shape.extent(1)}, 0,
                shape.elements(), i -> i * i * 13 % extent);
            View updates = fixture.tensor(dtype, shape, i -> sample(dtype, i + 999));
            View y = fixture.output(dtype, X);
            fixture.run(new Op.ScatterAdd(axis), List.of(x, indices, updates), List.of(y));
            assertArrayEquals(scatter(fixture, x, indices, updates, axis), fixture.values(y), "axis " + axis);
        }
    }

    /** One index along the axis: no destination is added to twice. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void addsOnce(DType dtype) {
        StepFixture fixture = new StepFixture();
        Shape shape = Shape.of(7, 1, 5);
        View x = fixture.tensor(dtype, X, i -> sample(dtype, i));
        View indices = fixture.strided(DType.I32, shape, new long[] {2, 0, 15}, 1, 80, i -> i * 13 % 5);
        View updates = fixture.tensor(dtype, shape, i -> sample(dtype, i + 999));
        double[] expected = scatter(fixture, x, indices, updates, 1);
        fixture.run(new Op.ScatterAdd(1), List.of(x, indices, updates), List.of(x));
        assertArrayEquals(expected, fixture.values(x));
    }

    @ParameterizedTest
    @CsvSource({"F32, 13, 200, 9", "F32, 207, 33, 1", "BF16, 64, 500, 3", "F16, 1025, 40, 2", "F64, 4098, 34, 5",
        "I32, 32, 200, 7", "F32, 3, 4500, 700", "F32, 1, 2048, 70000", "I64, 2, 2049, 300"})
    void rowsAreAddedInOrder(DType dtype, int width, int count, int destinations) {
        StepFixture fixture = new StepFixture();
        Shape table = Shape.of(destinations, 1, width);
        SplittableRandom random = new SplittableRandom(5);
        // Some are frequent, most are not.
        double[] tokens = new double[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = (int) (destinations * Math.pow(random.nextDouble(), 3));
        }
        View x = fixture.tensor(dtype, table, i -> sample(dtype, i));
        View indices = fixture.strided(DType.I32, Shape.of(count, 1, width), new long[] {1, 1, 0}, 0, count,
            i -> tokens[(int) i / width]);
        View updates = fixture.tensor(dtype, Shape.of(count, 1, width), i -> sample(dtype, i + 999));
        double[] expected = scatter(fixture, x, indices, updates, 0);
        View y = fixture.output(dtype, table);
        fixture.run(new Op.ScatterAdd(0), List.of(x, indices, updates), List.of(y));
        assertArrayEquals(expected, fixture.values(y));
        fixture.run(new Op.ScatterAdd(0), List.of(x, indices, updates), List.of(x));
        assertArrayEquals(expected, fixture.values(x));
    }

    /** More elements than 32 bits count: only the last few are in memory, and only those are added to. */
    @Test
    void destinationsBeyond32Bits() {
        StepFixture fixture = new StepFixture();
        View few = fixture.tensor(DType.F32, Shape.of(3000), i -> i);
        long before = (1L << 33) - 3000;
        View x = new View(few.slot(), DType.F32, Shape.of(1L << 33), new long[] {1}, -before);
        View indices = fixture.tensor(DType.I64, Shape.of(2500), i -> before + i * 7 % 3000);
        View updates = fixture.tensor(DType.F32, Shape.of(2500), i -> i % 5);
        double[] expected = fixture.values(few);
        for (int i = 0; i < 2500; i++) {
            expected[i * 7 % 3000] += i % 5;
        }
        fixture.run(new Op.ScatterAdd(0), List.of(x, indices, updates), List.of(x));
        assertArrayEquals(expected, fixture.values(few));
    }

    /** In place, before anything is added: by elements, by rows, and where destinations are distinct. */
    @ParameterizedTest
    @CsvSource({"5", "-1", "2147483647"})
    void anIndexOutsideIsAnErrorAndNothingIsAdded(long index) {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(2, 5), random(1));
        View indices = fixture.tensor(DType.I64, Shape.of(2, 3), 0, 1, 4, 3, index, 0);
        View updates = fixture.tensor(DType.F32, Shape.of(2, 3), random(2));
        refuses("(1, 1)", index, 1, fixture, x, indices, updates);
        View single = fixture.tensor(DType.I64, Shape.of(2, 1), 4, index);
        refuses("(1, 0)", index, 1, fixture, x, single, fixture.tensor(DType.F32, Shape.of(2, 1), random(2)));
        View wide = fixture.strided(DType.I64, Shape.of(2, 16), new long[] {1, 0}, 0, 2, i -> i < 16 ? 1 : index);
        View rows = fixture.tensor(DType.F32, Shape.of(5, 16), random(1));
        refuses("(1)", index, 0, fixture, rows, wide, fixture.tensor(DType.F32, Shape.of(2, 16), random(2)));
    }

    private static void refuses(String position, long index, int axis, StepFixture fixture, View x, View indices,
        View updates) {
        double[] before = fixture.values(x);
        assertEquals("scatterAdd: index " + index + " at position " + position + " is out of range for axis " + axis
            + " with extent 5", assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(
                new Op.ScatterAdd(axis), List.of(x, indices, updates), List.of(x))).getMessage());
        assertArrayEquals(before, fixture.values(x));
    }

    @Test
    void nothingToPickOrToAdd() {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(3, 20), random(1));
        View none = fixture.tensor(DType.I32, Shape.of(0, 20), i -> 0);
        View nothing = fixture.output(DType.F32, Shape.of(0, 20));
        View y = fixture.output(DType.F32, Shape.of(3, 20));
        fixture.run(new Op.Gather(0), List.of(x, none), List.of(nothing));
        fixture.run(new Op.ScatterAdd(0), List.of(x, none, nothing), List.of(y));
        assertArrayEquals(fixture.values(x), fixture.values(y));
    }
}
