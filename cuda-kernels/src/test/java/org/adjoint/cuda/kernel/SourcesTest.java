package org.adjoint.cuda.kernel;

import static org.adjoint.cuda.kernel.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Philox;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Iota, random bits, and positions of the largest and smallest elements. */
class SourcesTest {
    @BeforeAll
    static void open() {
        StepFixture.open();
    }

    @AfterAll
    static void close() {
        StepFixture.close();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 13, 1023, 1025, 4098})
    void iotaCounts(long count) {
        for (DType dtype : new DType[] {DType.I32, DType.I64, DType.BF16}) {
            StepFixture fixture = new StepFixture();
            View y = fixture.output(dtype, Shape.of(dtype == DType.BF16 ? Math.min(count, 256) : count));
            fixture.run(new Op.Iota(), List.of(), List.of(y));
            for (int i = 0; i < y.shape().elements(); i++) {
                assertEquals(i, fixture.get(y, i));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0, 5", "1, 2, 3, 207", "-1, -1, -1, 4098", "81985529216486895, 1311768467463790320, 77, 4003"})
    void randomBitsAreThoseOfPhilox(long seed, long run, long stream, long count) {
        StepFixture fixture = new StepFixture();
        View state = fixture.strided(DType.I64, Shape.of(2), new long[] {3}, 1, 5, i -> 0);
        fixture.setLong(state, 0, seed);
        fixture.setLong(state, 1, run);
        View ordinal = fixture.tensor(DType.I64, Shape.SCALAR, 0);
        fixture.setLong(ordinal, 0, stream);
        View y = fixture.output(DType.I32, Shape.of(count));
        fixture.run(new Op.RandomBits(), List.of(state, ordinal), List.of(y));
        for (int i = 0; i < count; i++) {
            assertEquals(Philox.word(seed, run, stream, i), fixture.get(y, i), "element " + i);
        }
    }

    private static void checkBest(StepFixture fixture, View x, int axis, boolean largest) {
        View y = fixture.output(DType.I64, x.shape().without(axis));
        fixture.run(new Op.ArgReduce(largest, axis), List.of(x), List.of(y));
        double[] values = fixture.values(x);
        int extent = (int) x.shape().extent(axis);
        int inner = 1;
        for (int i = axis + 1; i < x.shape().rank(); i++) {
            inner *= (int) x.shape().extent(i);
        }
        for (int line = 0; line < y.shape().elements(); line++) {
            int first = line / inner * inner * extent + line % inner;
            int best = 0;
            for (int i = 1; i < extent; i++) {
                int order = Double.compare(values[first + i * inner], values[first + best * inner]);
                best = (largest ? order > 0 : order < 0) ? i : best;
            }
            assertEquals(best, fixture.get(y, line), x + ", axis " + axis + ", line " + line);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void theFirstLargestAndSmallestAreFound(DType dtype) {
        Shape shape = Shape.of(3, 41, 5);
        for (int axis = 0; axis < 3; axis++) {
            for (boolean largest : new boolean[] {true, false}) {
                StepFixture fixture = new StepFixture();
                // Few distinct values, so that there are ties.
                View x = fixture.strided(dtype, shape, new long[] {1, 3, -123}, 492, 615,
                    i -> Math.floor((random(7).applyAsDouble(i) + (dtype == DType.U8 ? 1 : 0)) * 4));
                checkBest(fixture, x, axis, largest);
            }
        }
    }

    /** Lines longer than one warp, or one thread, is given: parts are joined, and ties between them go to the first. */
    @ParameterizedTest
    @CsvSource({"F32, 2, 9000, 1", "F32, 1, 4097, 0", "F32, 1100, 40, 0", "F32, 513, 33, 0", "F32, 70, 600, 1",
        "U8, 1, 4100, 1", "I32, 1, 4100, 1", "I64, 1, 4100, 1", "F16, 1, 4100, 1", "BF16, 513, 32, 0",
        "F64, 1, 4100, 1", "BF16, 3, 1032, 1", "F32, 11, 1024, 1", "I32, 2, 1028, 1", "U8, 3, 4112, 1",
        "BF16, 1, 80000, 1"})
    void partsOfLongLinesAreJoined(DType dtype, int rows, int columns, int axis) {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(dtype, Shape.of(rows, columns),
            i -> Math.floor((random(3).applyAsDouble(i) + (dtype == DType.U8 ? 1 : 0)) * 120));
        checkBest(fixture, x, axis, true);
        checkBest(fixture, x, axis, false);
    }

    @Test
    void theFirstNaNWinsAndZerosTie() {
        StepFixture fixture = new StepFixture();
        double nan = Double.NaN;
        View x = fixture.tensor(DType.F32, Shape.of(3, 3), 1, nan, nan, nan, 9, 9, -0.0, 0.0, -1);
        View y = fixture.output(DType.I64, Shape.of(3));
        fixture.run(new Op.ArgReduce(true, 1), List.of(x), List.of(y));
        assertEquals(List.of(1.0, 0.0, 0.0), List.of(fixture.get(y, 0), fixture.get(y, 1), fixture.get(y, 2)));
        fixture.run(new Op.ArgReduce(false, 1), List.of(x), List.of(y));
        assertEquals(List.of(1.0, 0.0, 2.0), List.of(fixture.get(y, 0), fixture.get(y, 1), fixture.get(y, 2)));
        View longLine = fixture.tensor(DType.BF16, Shape.of(9001), i -> i == 5000 || i == 8500 ? nan : 9001 - i);
        View best = fixture.output(DType.I64, Shape.SCALAR);
        fixture.run(new Op.ArgReduce(true, 0), List.of(longLine), List.of(best));
        assertEquals(5000, fixture.get(best, 0));
        // Among elements that are loaded together.
        View packed = fixture.tensor(DType.BF16, Shape.of(2, 9008), i -> i % 9008 > 5003 && i % 5 == 0 ? nan : 9 - i);
        View bests = fixture.output(DType.I64, Shape.of(2));
        for (boolean largest : new boolean[] {true, false}) {
            fixture.run(new Op.ArgReduce(largest, 1), List.of(packed), List.of(bests));
            assertEquals(List.of(5005.0, 5007.0), List.of(fixture.get(bests, 0), fixture.get(bests, 1)));
        }
    }
}
