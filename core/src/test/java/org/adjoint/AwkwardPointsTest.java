package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.adjoint.graph.DType;
import org.adjoint.graph.Pooling;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Values, dtypes and derivatives where a formula taken literally goes wrong. */
class AwkwardPointsTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    /** The derivatives of a polynomial end in zeros, not in 0 times infinity; as in JAX and PyTorch. */
    @Test
    void derivativesOfAPowerAtZero() {
        Tensor x = device.tensor(new float[] {0, 2, -1});
        assertArrayEquals(new float[] {0, 0, 0}, x.pow(0).sum().gradient(x).toFloatArray());
        Tensor y = x.pow(3);
        float[][] expected = {{0, 12, 3}, {0, 12, -6}, {6, 6, 6}, {0, 0, 0}, {0, 0, 0}};
        for (float[] values : expected) {
            y = y.sum().gradient(x);
            assertArrayEquals(values, y.toFloatArray());
        }
    }

    @Test
    void theMixedDerivativeOfAPowerAtZero() {
        Tensor x = device.tensor(new double[] {0, 2});
        Tensor exponent = device.tensor(new double[] {2, 3});
        Tensor slope = x.pow(exponent).sum().gradient(exponent);
        assertArrayEquals(new double[] {0, 8 * Math.log(2)}, slope.toDoubleArray(), 1e-12);
        // b a^(b - 1) log(a) + a^(b - 1)
        assertArrayEquals(new double[] {0, 12 * Math.log(2) + 4}, slope.sum().gradient(x).toDoubleArray(), 1e-12);
    }

    /** As in PyTorch: 0 to a negative power is infinite, and falls without bound as the exponent grows. */
    @Test
    void theExponentsDerivativeOfAPowerThatIsInfinite() {
        Tensor exponent = device.tensor(new double[] {-1, 0, 2});
        Tensor slope = device.zeros(DType.F64, 3).pow(exponent).sum().gradient(exponent);
        assertArrayEquals(new double[] {Double.NEGATIVE_INFINITY, 0, 0}, slope.toDoubleArray());
    }

    /** Twice: what is taken apart at a point where it is smooth needs both derivatives there. */
    @Test
    void secondDerivativesWhereOperandsAreEqualOrZero() {
        Tensor zero = device.tensor(new double[] {0, 0});
        double[] square = {0.25, -0.25, -0.25, 0.25};
        double[] diagonal = {0.25, 0, 0, 0.25};
        for (int target = 0; target < 2; target++) {
            Tensor targets = device.full(DType.F64, target, 2);
            assertArrayEquals(diagonal, Functions.hessian(
                x -> x.binaryCrossEntropyWithLogits(targets).mul(2), zero).toDoubleArray(), 1e-15);
            Tensor slope = zero.binaryCrossEntropyWithLogits(targets).mul(2).gradient(zero);
            assertArrayEquals(new double[] {0.5 - target, 0.5 - target}, slope.toDoubleArray());
        }
        assertArrayEquals(diagonal,
            Functions.hessian(x -> x.logAddExp(device.zeros(DType.F64, 2)).sum(), zero).toDoubleArray(), 1e-15);
        assertArrayEquals(square, Functions.hessian(x -> x.logSumExp(0), zero).toDoubleArray(), 1e-15);
        assertArrayEquals(square,
            Functions.hessian(x -> x.logCumSumExp(0).slice(0, 1, 2).sum(), zero).toDoubleArray(), 1e-15);
    }

    @Test
    void logCumSumExpPassesNothingToMinusInfinity() {
        double none = Double.NEGATIVE_INFINITY;
        Tensor x = device.tensor(new double[] {none, none, 1, 2});
        double share = 1 / (1 + Math.E);
        assertArrayEquals(new double[] {0, 0, 1 + share, 1 - share},
            x.logCumSumExp(0).slice(0, 2, 4).sum().gradient(x).toDoubleArray(), 1e-15);
        assertArrayEquals(new double[] {none, none, 1, 2 + Math.log1p(Math.exp(-1))}, x.logCumSumExp(0).toDoubleArray(),
            1e-15);
    }

    @Test
    void mishOfLargeNumbersHasTheSlopeOne() {
        Tensor x = device.tensor(new float[] {30, 1e18f, Float.POSITIVE_INFINITY, Float.NaN});
        Tensor slope = x.mish().sum().gradient(x);
        assertArrayEquals(new float[] {1, 1, 1, Float.NaN}, slope.toFloatArray());
        assertArrayEquals(new float[] {0, 0, 0, Float.NaN}, slope.sum().gradient(x).toFloatArray());
    }

    /** Rounded to BF16 the factor 1 / 0.9 would be 0.16 percent less. */
    @Test
    void dropoutOf16BitsKeepsTheMean() {
        Tensor x = device.linspace(DType.F64, 1, 2, 4096).to(DType.BF16).realize();
        Tensor y = x.dropout(0.1).realize();
        Tensor kept = y.notEqual(0).where(x, device.zeros(DType.BF16));
        double factor = y.to(DType.F64).sum().item() / kept.to(DType.F64).sum().item();
        assertEquals(1 / 0.9, factor, 2e-4);
    }

    /** More than F16 can count. */
    @Test
    void manyElementsThatTieShareTheCotangent() {
        for (DType dtype : new DType[] {DType.F16, DType.BF16}) {
            Tensor x = device.zeros(dtype, 70_000).realize();
            Tensor shares = x.max().mul(20_000).gradient(x);
            assertEquals(20_000, shares.to(DType.F64).sum().item(), 20_000 * dtype.epsilon() / 2);
        }
    }

    /** Added up in 16 bits, the sum would stop at 256. */
    @Test
    void cotangentsOfOverlappingWindowsAreSummedInF32() {
        Tensor x = device.zeros(DType.BF16, 1, 1, 600).realize();
        Tensor sums = x.unfold(Pooling.of(300).stride(1)).sum().gradient(x);
        assertEquals(300, sums.max().item());
    }

    @Test
    void numbersBeyondAnIntegerTypeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> device.full(DType.I64, 0x1p63));
        assertThrows(IllegalArgumentException.class, () -> device.zeros(DType.I64, 1).add(0x1p63));
        assertThrows(IllegalArgumentException.class, () -> device.full(DType.I64, Double.NaN));
        assertEquals(Long.MIN_VALUE, device.full(DType.I64, -0x1p63).toLongArray()[0]);
    }

    @Test
    void rangesOfFloatingNumbersMayBeLong() {
        assertEquals(3_000_000_000L, device.arange(DType.F64, 3_000_000_000L).shape().extent(0));
        assertThrows(IllegalArgumentException.class, () -> device.arange(DType.I32, 3_000_000_000L));
    }

    @Test
    void onePowersAsInC() {
        Tensor exponents = device.tensor(new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0});
        assertArrayEquals(new double[] {1, 1, 1, 1}, device.ones(DType.F64).pow(exponents).toDoubleArray());
        assertArrayEquals(new double[] {Double.NaN, 1, 1, 1},
            device.ones(DType.F64).neg().pow(exponents).toDoubleArray());
    }

    @Test
    void everyPowerOfIntegersIsFloating() {
        Tensor x = device.tensor(new int[] {5, 6});
        assertEquals(DType.F32, x.pow(2).dtype());
        assertEquals(DType.F32, x.pow(3).dtype());
        assertArrayEquals(new float[] {25, 36}, x.pow(2).toFloatArray());
    }

    @Test
    void sumsOfBytesDoNotWrap() {
        assertEquals(600, device.tensor(new int[] {200, 200, 200}).to(DType.U8).sum().item());
    }

    @Test
    void layerNormRefusesScaleAndShiftOfDifferentTypes() {
        Tensor x = device.ones(DType.F32, 2, 3);
        Tensor gamma = device.ones(DType.F32, 3);
        assertThrows(IllegalArgumentException.class, () -> x.layerNorm(gamma, gamma.to(DType.BF16), 1e-5));
        assertThrows(IllegalArgumentException.class, () -> x.layerNorm(gamma.to(DType.I32), gamma.to(DType.I32), 1e-5));
    }

    @Test
    void rmsNormScalesInAnyFloatingTypeAndRefusesOthers() {
        Tensor x = device.ones(DType.BF16, 2, 3);
        Tensor gamma = device.ones(DType.F32, 3);
        assertEquals(DType.BF16, x.rmsNorm(gamma, 0).dtype());
        assertThrows(IllegalArgumentException.class, () -> x.rmsNorm(gamma.to(DType.I32), 1e-5));
        assertThrows(IllegalArgumentException.class, () -> x.to(DType.I32).rmsNorm(gamma, 1e-5));
        assertThrows(IllegalArgumentException.class, () -> x.rmsNorm(gamma, Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> device.ones(DType.F32).rmsNorm(gamma, 1e-5));
    }

    @Test
    void rmsNormOfZerosIsZeroUnlessNothingIsAdded() {
        Tensor zeros = device.zeros(DType.F32, 2);
        Tensor gamma = device.ones(DType.F32, 2);
        assertArrayEquals(new float[2], zeros.rmsNorm(gamma, 1e-5).toFloatArray());
        assertArrayEquals(new float[] {Float.NaN, Float.NaN}, zeros.rmsNorm(gamma, 0).toFloatArray());
    }
}
