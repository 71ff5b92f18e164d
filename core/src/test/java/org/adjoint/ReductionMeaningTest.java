package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.PadMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What reductions, running results and arrangements mean, in numbers that PyTorch and NumPy give. */
class ReductionMeaningTest {
    private static final double INFINITY = Double.POSITIVE_INFINITY;
    private final Device device = Device.open("reference");

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor vector(double... values) {
        return device.tensor(values);
    }

    private Tensor counted(long... shape) {
        return device.arange(DType.F64, Arrays.stream(shape).reduce(1, (a, b) -> a * b)).reshape(shape);
    }

    private static void equal(Tensor actual, double... expected) {
        assertArrayEquals(expected, actual.toDoubleArray(), 1e-12);
    }

    @Test
    void moments() {
        Tensor x = vector(1, 2, 4, 9);
        equal(x.variance(), 38.0 / 3);
        equal(x.variance(0, false), 38.0 / 4);
        equal(x.standardDeviation(), Math.sqrt(38.0 / 3));
        equal(device.tensor(new double[] {1, 2, 4, 9}, 2, 2).variance(0), 4.5, 24.5);
        Tensor constant = vector(3, 3);
        equal(constant.standardDeviation().gradient(constant), 0, 0);
    }

    /** As a sum divided by their count it is; the reciprocals of 41 and of 47 in F32 are too small. */
    @Test
    void theMeanOfOnesIsOne() {
        for (int n = 1; n < 100; n++) {
            Tensor ones = device.ones(DType.F32, n);
            assertEquals(1, ones.mean().item(), "of " + n);
            assertEquals(0, ones.variance(0, false).item(), "of " + n);
        }
    }

    @Test
    void norms() {
        Tensor x = vector(3, 0, -4);
        equal(x.norm(), 5);
        equal(x.norm(1), 7);
        equal(x.norm(0), 2);
        equal(x.norm(INFINITY), 4);
        equal(x.norm(-INFINITY), 0);
        equal(x.norm(3), Math.cbrt(27 + 64));
        equal(x.norm(-2), 0);
        Tensor zero = vector(0, 0);
        for (double p : new double[] {0.5, 1, 2, 3, INFINITY}) {
            equal(zero.norm(p).gradient(zero), 0, 0);
        }
    }

    @Test
    void productsAndTheirGradientsWithZeros() {
        equal(vector(2, 3, 4).prod(), 24);
        Tensor one = vector(2, 0, 4);
        equal(one.prod().gradient(one), 0, 8, 0);
        Tensor two = vector(2, 0, 0);
        equal(two.prod().gradient(two), 0, 0, 0);
        equal(one.cumprod(0).sum().gradient(one), 1, 2 + 8, 0);
        assertEquals(DType.I64, device.tensor(new int[] {3}).to(DType.U8).prod().dtype());
    }

    @Test
    void quantifiers() {
        Tensor x = device.tensor(new double[] {0, 0, 0, Double.NaN, 2, 0}, 2, 3);
        equal(x.any(1), 0, 1);
        equal(x.all(0), 0, 0, 0);
        equal(x.countNonzero(), 2);
        equal(device.zeros(DType.F32, 0).all(), 1);
        equal(device.zeros(DType.F32, 0).any(), 0);
    }

    @Test
    void logSumExp() {
        equal(vector(1000, 1000).logSumExp(), 1000 + Math.log(2));
        equal(vector(-INFINITY, -INFINITY).logSumExp(), -INFINITY);
        equal(vector(INFINITY, 1).logSumExp(), INFINITY);
        Tensor nothing = vector(-INFINITY, -INFINITY);
        equal(nothing.logSumExp().gradient(nothing), 0, 0);
        equal(vector(0, 1000, 0).logCumSumExp(0), 0, 1000, 1000);
    }

    @Test
    void runningResults() {
        equal(vector(1, 2, 3).cumsum(0), 1, 3, 6);
        equal(vector(1, 2, 3).cumprod(0), 1, 2, 6);
        equal(vector(1, 3, 2, Double.NaN, 5).cummax(0), 1, 3, 3, Double.NaN, Double.NaN);
        equal(vector(4, 3, 5).cummin(0), 4, 3, 3);
        Tensor ties = vector(2, 1, 2);
        equal(ties.cummax(0).sum().gradient(ties), 2, 0, 1);
        equal(vector(9, 0.5, 0.5).linearRecurrence(vector(1, 2, 3), 0), 1, 2.5, 4.25);
        equal(counted(2, 3).cumsum(0), 0, 1, 2, 3, 5, 7);
    }

    @Test
    void slicesAsPython() {
        Tensor x = counted(10);
        equal(x.slice(Slice.range(2, -2)), 2, 3, 4, 5, 6, 7);
        equal(x.slice(Slice.all().step(-3)), 9, 6, 3, 0);
        equal(x.slice(Slice.from(3).step(-1)), 3, 2, 1, 0);
        equal(x.slice(Slice.range(-3, 2).step(-2)), 7, 5, 3);
        equal(x.slice(Slice.range(8, 100)), 8, 9);
        equal(x.slice(Slice.range(5, 2)));
        equal(x.slice(Slice.at(-1)), 9);
        equal(counted(3, 4).slice(Slice.all().step(-1), Slice.range(1, 3)), 9, 10, 5, 6, 1, 2);
        equal(x.slice(0, 2, 6, -1), 5, 4, 3, 2);
        assertEquals("1:-1:2, ::-1, 3", String.join(", ", Slice.range(1, -1).step(2).toString(),
            Slice.all().step(-1).toString(), Slice.at(3).toString()));
    }

    @Test
    void padding() {
        Tensor x = counted(4);
        equal(x.pad(0, 2, 2, PadMode.REFLECT), 2, 1, 0, 1, 2, 3, 2, 1);
        equal(x.pad(0, 2, 2, PadMode.REPLICATE), 0, 0, 0, 1, 2, 3, 3, 3);
        equal(x.pad(0, 2, 2, PadMode.CIRCULAR), 2, 3, 0, 1, 2, 3, 0, 1);
        equal(x.pad(0, -1, 2, 7), 1, 2, 3, 7, 7);
        equal(counted(2, 2).pad(new long[][] {{1, 0}, {0, 1}}, 9), 9, 9, 9, 0, 1, 9, 2, 3, 9);
    }

    @Test
    void partsAndRepetition() {
        equal(counted(5).roll(2, 0), 3, 4, 0, 1, 2);
        equal(counted(2, 3).roll(-1), 1, 2, 3, 4, 5, 0);
        assertEquals(List.of(2L, 2L, 1L), counted(5).split(0, 2).stream().map(part -> part.shape().extent(0)).toList());
        assertEquals(List.of(3L, 3L, 1L), counted(7).chunk(0, 3).stream().map(part -> part.shape().extent(0)).toList());
        equal(counted(2).repeat(2, 2), 0, 1, 0, 1, 0, 1, 0, 1);
        equal(counted(2, 1).tile(2), 0, 0, 1, 1);
        equal(counted(3).repeatInterleave(0, 2), 0, 0, 1, 1, 2, 2);
        equal(counted(2, 3).moveAxis(0, 1), 0, 3, 1, 4, 2, 5);
    }

    @Test
    void matrices() {
        Tensor x = counted(3, 4);
        equal(x.diagonal(), 0, 5, 10);
        equal(x.diagonal(1, 0, 1), 1, 6, 11);
        equal(x.diagonal(-1, 0, 1), 4, 9);
        equal(x.tril(-1), 0, 0, 0, 0, 4, 0, 0, 0, 8, 9, 0, 0);
        equal(x.triu(1), 0, 1, 2, 3, 0, 0, 6, 7, 0, 0, 0, 11);
        equal(x.trace(), 15);
        equal(vector(1, 2).diagonalEmbed(1, 0, 1), 0, 1, 0, 0, 0, 2, 0, 0, 0);
        equal(vector(1, 2).diag(-1), 0, 0, 0, 1, 0, 0, 0, 2, 0);
    }

    @Test
    void sources() {
        equal(device.linspace(DType.F64, 0, 1, 5), 0, 0.25, 0.5, 0.75, 1);
        assertEquals(0.1, device.linspace(DType.F64, -0.3, 0.1, 7).toDoubleArray()[6]);
        equal(device.arange(DType.I32, 7, 0, -3), 7, 4, 1);
        equal(device.eye(DType.F32, 2, 3), 1, 0, 0, 0, 1, 0);
        equal(Tensor.meshgrid(List.of(counted(2), counted(3))).get(1), 0, 1, 2, 0, 1, 2);
    }
}
