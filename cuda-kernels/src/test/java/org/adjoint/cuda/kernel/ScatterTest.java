package org.adjoint.cuda.kernel;

import static org.adjoint.cuda.kernel.IndexingTest.picked;
import static org.adjoint.cuda.kernel.IndexingTest.sample;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Scatter against loops that replace elements in row-major order of the indices. */
class ScatterTest {
    private static final Shape X = Shape.of(7, 5, 6);

    @BeforeAll
    static void open() {
        StepFixture.open();
    }

    @AfterAll
    static void close() {
        StepFixture.close();
    }

    private static double[] replace(StepFixture fixture, View x, View indices, View updates, int axis) {
        double[] expected = fixture.values(x);
        for (int i = 0; i < indices.shape().elements(); i++) {
            expected[picked(x.shape(), indices.shape(), axis, i, (int) fixture.get(indices, i))] = fixture.get(updates, i);
        }
        return expected;
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void theLastUpdateIsLeft(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            int extent = (int) X.extent(axis);
            // One index along the axis can't collide with another.
            Shape shape = Shape.of(4, 5, 3).with(axis, axis == 1 ? 1 : 40);
            View x = fixture.tensor(dtype, X, i -> sample(dtype, i));
            long plane = shape.extent(0) * shape.extent(1);
            View indices = fixture.strided(DType.I64, shape, new long[] {1, shape.extent(0), -plane},
                shape.elements() - plane, shape.elements(), i -> i * i * 13 % extent);
            View updates = fixture.tensor(dtype, shape, i -> sample(dtype, i + 999));
            View y = fixture.output(dtype, X);
            double[] expected = replace(fixture, x, indices, updates, axis);
            fixture.run(new Op.Scatter(axis), List.of(x, indices, updates), List.of(y));
            assertArrayEquals(expected, fixture.values(y), "axis " + axis);
            fixture.run(new Op.Scatter(axis), List.of(x, indices, updates), List.of(x));
            assertArrayEquals(expected, fixture.values(x), "in place, axis " + axis);
        }
    }

    /** Rows that share an index, moved by 1 to 16 bytes at once. */
    @ParameterizedTest
    @CsvSource({"U8, 13", "BF16, 207", "F32, 702", "F32, 8", "F64, 5", "I64, 64"})
    void rowsThatShareAnIndex(DType dtype, int width) {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(dtype, Shape.of(11, 1, width), i -> sample(dtype, i));
        View indices = fixture.strided(DType.I32, Shape.of(50, 1, width), new long[] {1, 1, 0}, 0, 50,
            i -> i / width * (i / width) % 9);
        View updates = fixture.tensor(dtype, Shape.of(50, 1, width), i -> sample(dtype, i + 999));
        View y = fixture.output(dtype, Shape.of(11, 1, width));
        fixture.run(new Op.Scatter(0), List.of(x, indices, updates), List.of(y));
        assertArrayEquals(replace(fixture, x, indices, updates, 0), fixture.values(y));
    }

    @Test
    void aBadIndexReplacesNothing() {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(3), 1, 2, 3);
        View indices = fixture.tensor(DType.I64, Shape.of(3), 0, 1, 3);
        View updates = fixture.tensor(DType.F32, Shape.of(3), 4, 5, 6);
        assertEquals("scatter: index 3 at position (2) is out of range for axis 0 with extent 3",
            assertThrows(IndexOutOfBoundsException.class,
                () -> fixture.run(new Op.Scatter(0), List.of(x, indices, updates), List.of(x))).getMessage());
        assertArrayEquals(new double[] {1, 2, 3}, fixture.values(x));
    }
}
