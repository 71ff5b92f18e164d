package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.LongToDoubleFunction;
import org.adjoint.graph.CumulativeOp;
import org.adjoint.graph.CumulativeOp.Function;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Running results, against loops over logical elements. */
class CumulativeTest {
    /** Lines one by one, side by side, and long enough for several parts. */
    private static final List<Shape> SHAPES = List.of(Shape.of(3, 4, 5), Shape.of(2, 40, 9),
        Shape.of(1, 4096 * 2 + 5, 1),
        Shape.of(300, 1, 40), Shape.of(1, 2, 1040), Shape.of(1, 1, 16_384 + 4112), Shape.of(0, 3, 2));

    @BeforeAll
    static void open() {
        StepFixture.open();
    }

    @AfterAll
    static void close() {
        StepFixture.close();
    }

    private interface Check {
        void check(StepFixture fixture, View x, View b, View y, long line, long step, int extent);
    }

    /** Runs the operation along each axis of each shape and checks each line; x is backwards along an odd last axis. */
    private static void run(CumulativeOp[] ops, DType dtype, DType result, LongToDoubleFunction values,
        Check check) {
        for (Shape shape : SHAPES) {
            for (int axis = 0; axis < 3; axis++) {
                if (shape.extent(axis) == 1 && shape.elements() > 1000) {
                    continue;
                }
                StepFixture fixture = new StepFixture();
                long[] strides = shape.contiguousStrides();
                // Of lines of packs not.
                boolean backwards = shape.extent(2) % 16 != 0;
                strides[2] = backwards ? -1 : 1;
                View x = fixture.strided(dtype, shape, strides, backwards ? Math.max(0, shape.extent(2) - 1) : 0,
                    Math.max(1, shape.elements()), values);
                View b = fixture.tensor(dtype, shape, i -> (i * 31 % 17 - 8) / 8.0);
                View y = fixture.output(result, shape);
                boolean two = ops[axis] instanceof CumulativeOp.LinearRecurrence;
                fixture.run(ops[axis], two ? List.of(x, b) : List.of(x), List.of(y));
                long inner = 1;
                for (int i = axis + 1; i < 3; i++) {
                    inner *= shape.extent(i);
                }
                int extent = (int) shape.extent(axis);
                for (long line = 0; line < shape.without(axis).elements() && extent > 0; line++) {
                    check.check(fixture, x, b, y, line / inner * extent * inner + line % inner, inner, extent);
                }
            }
        }
    }

    private static CumulativeOp[] along(Function function) {
        return new CumulativeOp[] {new CumulativeOp.Cumulative(function, 0), new CumulativeOp.Cumulative(function, 1),
            new CumulativeOp.Cumulative(function, 2)};
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"I32", "I64"})
    void integersWrap(DType dtype) {
        for (Function function : new Function[] {Function.SUM, Function.PROD}) {
            run(along(function), dtype, dtype, i -> i * 7919 % 2001 - 1000 | 1,
                (fixture, x, b, y, line, step, extent) -> {
                long expected = function == Function.SUM ? 0 : 1;
                for (int i = 0; i < extent; i++) {
                    long value = (long) fixture.get(x, (int) (line + i * step));
                    expected = function == Function.SUM ? expected + value : expected * value;
                    expected = dtype == DType.I32 ? (int) expected : expected;
                    // Read as a double: more than 2^53 is rounded, here as there.
                    assertEquals((double) expected, fixture.get(y, (int) (line + i * step)), function + " at " + i);
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F16", "BF16", "F32", "F64"})
    void sums(DType dtype) {
        run(along(Function.SUM), dtype, dtype, i -> (i * 7919 % 2001 - 1000) / 1000.0,
            (fixture, x, b, y, line, step, extent) -> {
                double sum = 0;
                double magnitude = 0;
                for (int i = 0; i < extent; i++) {
                    double value = fixture.get(x, (int) (line + i * step));
                    sum += value;
                    magnitude += Math.abs(value);
                    near(dtype, sum, magnitude, fixture.get(y, (int) (line + i * step)), i);
                }
            });
    }

    /** At most 128 chunks of a part, and as many joins, each off by half an ulp. */
    private static void near(DType dtype, double expected, double magnitude, double actual, int at) {
        double bound = 256 * (dtype == DType.F64 ? 0x1p-52 : 0x1p-23) * magnitude
            + dtype.epsilon() * Math.abs(expected);
        assertTrue(Math.abs(actual - expected) <= bound, dtype + ", element " + at + ": " + actual + ", not "
            + expected);
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32", "F64"})
    void recurrences(DType dtype) {
        CumulativeOp[] ops = {new CumulativeOp.LinearRecurrence(0), new CumulativeOp.LinearRecurrence(1),
            new CumulativeOp.LinearRecurrence(2)};
        run(ops, dtype, dtype, i -> (i * 7919 % 2001 - 1000) / 1100.0, (fixture, x, b, y, line, step, extent) -> {
            double h = 0;
            double magnitude = 0;
            for (int i = 0; i < extent; i++) {
                int at = (int) (line + i * step);
                h = (i == 0 ? 0 : fixture.get(x, at)) * h + fixture.get(b, at);
                magnitude = Math.abs(fixture.get(x, at)) * magnitude + Math.abs(fixture.get(b, at));
                near(dtype, h, magnitude, fixture.get(y, at), i);
            }
        });
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"U8", "I32", "I64", "BF16", "F32", "F64"})
    void theLastOfThoseThatTieWins(DType dtype) {
        for (Function function : new Function[] {Function.ARGMAX, Function.ARGMIN}) {
            run(along(function), dtype, DType.I64, i -> dtype.isFloating() && i % 97 == 41 ? Double.NaN
                : i * 7919 % 101,
                (fixture, x, b, y, line, step, extent) -> {
                    int best = 0;
                    for (int i = 0; i < extent; i++) {
                        double value = fixture.get(x, (int) (line + i * step));
                        double held = fixture.get(x, (int) (line + best * step));
                        boolean takes = function == Function.ARGMAX ? value >= held : value <= held;
                        best = takes || Double.isNaN(value) ? i : best;
                        assertEquals(best, fixture.get(y, (int) (line + i * step)), function + " at " + i);
                    }
                });
        }
    }

    @Test
    void joinsMorePartsThanAWarpHasLanes() {
        StepFixture fixture = new StepFixture();
        Shape shape = Shape.of(256 * 33 + 1, 32);
        View x = fixture.tensor(DType.I64, shape, i -> i % 1009);
        View y = fixture.output(DType.I64, shape);
        fixture.run(new CumulativeOp.Cumulative(Function.SUM, 0), List.of(x), List.of(y));
        for (int line = 0; line < 32; line++) {
            double sum = 0;
            for (int i = line; i < shape.elements(); i += 32) {
                sum += i % 1009;
                assertEquals(sum, fixture.get(y, i));
            }
        }
    }

    /** What a recurrence's first factor is does not matter. */
    @Test
    void aRecurrenceStartsWithItsFirstTerm() {
        StepFixture fixture = new StepFixture();
        View a = fixture.tensor(DType.F32, Shape.of(3), i -> i == 0 ? Double.POSITIVE_INFINITY : 2);
        View b = fixture.tensor(DType.F32, Shape.of(3), i -> i);
        View y = fixture.output(DType.F32, Shape.of(3));
        fixture.run(new CumulativeOp.LinearRecurrence(0), List.of(a, b), List.of(y));
        assertEquals(List.of(0.0, 1.0, 4.0), List.of(fixture.get(y, 0), fixture.get(y, 1), fixture.get(y, 2)));
    }
}
