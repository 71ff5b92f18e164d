package org.adjoint.cpu.kernel;

import static org.adjoint.cpu.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.adjoint.cpu.StepFixture;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Philox;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Iota, random bits, positions of the largest and smallest elements, and products through views. */
class SourcesTest {
    @ParameterizedTest
    @ValueSource(longs = {0, 1, 13, 16383, 16385, 40000})
    void iotaCounts(long count) {
        for (DType dtype : new DType[] {DType.I32, DType.I64}) {
            StepFixture fixture = new StepFixture();
            View y = fixture.output(dtype, Shape.of(count));
            fixture.run(new Op.Iota(), List.of(), List.of(y), 0, 2);
            for (int i = 0; i < count; i++) {
                assertEquals(i, fixture.get(y, i));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0, 5", "1, 2, 3, 207", "-1, -1, -1, 4098", "81985529216486895, 1311768467463790320, 77, 40001"})
    void randomBitsAreThoseOfPhilox(long seed, long run, long stream, long count) {
        StepFixture fixture = new StepFixture();
        View state = fixture.tensor(DType.I64, Shape.of(2), i -> 0);
        fixture.setLong(state, 0, seed);
        fixture.setLong(state, 1, run);
        View ordinal = fixture.tensor(DType.I64, Shape.SCALAR, 0);
        fixture.setLong(ordinal, 0, stream);
        View y = fixture.output(DType.I32, Shape.of(count));
        fixture.run(new Op.RandomBits(), List.of(state, ordinal), List.of(y), 0, 2);
        for (int i = 0; i < count; i++) {
            assertEquals(Philox.word(seed, run, stream, i), fixture.get(y, i), "element " + i);
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
                View y = fixture.output(DType.I64, shape.without(axis));
                fixture.run(new Op.ArgReduce(largest, axis), List.of(x), List.of(y), 0, 2);
                int inner = axis == 0 ? 205 : axis == 1 ? 5 : 1;
                int extent = (int) shape.extent(axis);
                for (int line = 0; line < y.shape().elements(); line++) {
                    int first = line / inner * inner * extent + line % inner;
                    int best = 0;
                    for (int i = 1; i < extent; i++) {
                        int order = Double.compare(fixture.get(x, first + i * inner),
                            fixture.get(x, first + best * inner));
                        best = (largest ? order > 0 : order < 0) ? i : best;
                    }
                    assertEquals(best, fixture.get(y, line), dtype + ", axis " + axis + ", line " + line);
                }
            }
        }
    }

    @Test
    void theFirstNaNWinsAndZerosTie() {
        StepFixture fixture = new StepFixture();
        double nan = Double.NaN;
        View x = fixture.tensor(DType.F32, Shape.of(3, 3), 1, nan, nan, nan, 9, 9, -0.0, 0.0, -1);
        View y = fixture.output(DType.I64, Shape.of(3));
        fixture.run(new Op.ArgReduce(true, 1), List.of(x), List.of(y), 0, 1);
        assertEquals(List.of(1.0, 0.0, 0.0), List.of(fixture.get(y, 0), fixture.get(y, 1), fixture.get(y, 2)));
        fixture.run(new Op.ArgReduce(false, 1), List.of(x), List.of(y), 0, 1);
        assertEquals(List.of(1.0, 0.0, 2.0), List.of(fixture.get(y, 0), fixture.get(y, 1), fixture.get(y, 2)));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void matricesAreMultipliedThroughViews(DType dtype) {
        StepFixture fixture = new StepFixture();
        int m = 13;
        int n = 17;
        int k = 21;
        // a broadcast over the first batch axis, b transposed in memory; small whole numbers, so every sum is exact.
        View a = fixture.strided(dtype, Shape.of(2, 3, m, k), new long[] {0, m * k, k, 1}, 0, 3L * m * k,
            i -> i % (3 * m * k) % 5);
        View b = fixture.strided(dtype, Shape.of(2, 3, k, n), new long[] {3L * k * n, (long) k * n, 1, k}, 0,
            6L * k * n, i -> i % 3);
        View c = fixture.output(dtype, Shape.of(2, 3, m, n));
        fixture.runEverywhere(new Op.MatMul(), List.of(a, b), List.of(c));
        for (int batch = 0; batch < 6; batch++) {
            for (int i = 0; i < m * n; i++) {
                double sum = 0;
                for (int p = 0; p < k; p++) {
                    sum += fixture.get(a, (batch * m + i / n) * k + p) * fixture.get(b, (batch * k + p) * n + i % n);
                }
                assertEquals(sum, fixture.get(c, (long) batch * m * n + i));
            }
        }
    }
}
