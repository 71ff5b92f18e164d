package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Matrices that fill a kernel's block and some more: what factors multiply to, and that it has the same bits. */
class FactorizationTest {
    private static final int SIDE = 75;
    private static final double UNITS = 200;

    private static Tensor matrix(Device device, DType dtype, int rows, int columns, double diagonal) {
        double[] values = new Random(7).doubles(2L * rows * columns, -1, 1).toArray();
        for (int i = 0; i < 2 * rows * columns; i++) {
            values[i] += i / columns % rows == i % columns ? diagonal : 0;
        }
        return device.tensor(values, Shape.of(2, rows, columns)).to(dtype);
    }

    private static void assertClose(Tensor actual, Tensor expected, String what) {
        double error = actual.sub(expected).abs().max().item() / (1 + expected.abs().max().item());
        assertTrue(error < UNITS * actual.dtype().epsilon(), what + " is off by " + error);
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F64"})
    void factorsMultiplyToWhatTheyAreOf(DType dtype) {
        try (Device device = Device.open("cpu")) {
            Tensor a = matrix(device, dtype, SIDE, SIDE, SIDE);
            Tensor l = a.cholesky();
            assertClose(l.matmul(l.transpose()), a.add(a.transpose()).mul(0.5), "l l^T");
            Tensor tall = matrix(device, dtype, 2 * SIDE, SIDE, 0);
            Tensor.Qr qr = tall.qr();
            assertClose(qr.q().matmul(qr.r()), tall, "q r");
            assertClose(qr.q().transpose().matmul(qr.q()), device.eye(dtype, SIDE).expand(2, SIDE, SIDE), "q^T q");
            Tensor wide = matrix(device, dtype, SIDE, SIDE + 33, 0);
            assertClose(wide.qr().q().matmul(wide.qr().r()), wide, "q r of a wide matrix");
            Tensor b = matrix(device, dtype, SIDE, 200, 0);
            assertClose(a.matmul(a.solve(b)), b, "a (a^-1 b)");
            assertClose(a.matmul(a.inverse()), device.eye(dtype, SIDE).expand(2, SIDE, SIDE), "a a^-1");
            // The other triangle is not read.
            Tensor row = device.arange(DType.I32, SIDE).reshape(SIDE, 1);
            Tensor upper = row.greaterThan(device.arange(DType.I32, SIDE)).where(device.zeros(dtype), a);
            assertClose(upper.matmul(a.triangularSolve(b, true)), b, "the upper triangle times its solution");
        }
    }

    /** By the kernel, and on the reference by the decomposition. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void squaresOfColumnsNeitherOverflowNorVanish(String name) {
        try (Device device = Device.open(name)) {
            Tensor a = matrix(device, DType.F64, 20, 6, 0);
            Tensor scales = device.tensor(new double[] {1e250, 1, 1e-250, 1e300, 1e-300, 2});
            Tensor.Qr plain = a.qr();
            Tensor.Qr scaled = a.mul(scales).qr();
            assertClose(scaled.q(), plain.q(), "q of scaled columns");
            assertClose(scaled.r().div(scales), plain.r(), "r of scaled columns");
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F64"})
    void bitsDependNeitherOnVectorsNorOnThreads(DType dtype) {
        List<Function<Tensor, Tensor>> functions = List.of(Tensor::cholesky, a -> a.qr().q(), Tensor::inverse,
            a -> a.triangularSolve(a.slice(2, 0, 3), false));
        List<double[]> expected = null;
        for (int bits : new int[] {512, 256, 128, 0}) {
            Map<String, String> options =
                Map.of("vectorBits", Integer.toString(bits), "threads", Integer.toString(1 + bits / 128));
            try (Device device = Device.open("cpu", options)) {
                Tensor a = matrix(device, dtype, SIDE, SIDE, 3);
                List<double[]> actual = new ArrayList<>();
                functions.forEach(function -> actual.add(function.apply(a).toDoubleArray()));
                expected = expected == null ? actual : expected;
                for (int i = 0; i < actual.size(); i++) {
                    assertArrayEquals(expected.get(i), actual.get(i), "function " + i + " with " + bits + " bits");
                }
            }
        }
    }
}
