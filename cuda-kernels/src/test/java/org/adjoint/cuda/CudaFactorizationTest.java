package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Factorizations on the emulated card that the table of samples does not reach. */
class CudaFactorizationTest {
    @BeforeEach
    void start() {
        Emulator emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
    }

    /** One warp and many, one panel and two, a last row that is or is not a pivot's. */
    @ParameterizedTest
    @CsvSource({"F32, 5, 5, 90", "F32, 300, 7, 90", "F32, 67, 34, 90", "F64, 33, 32, 800"})
    void squaresOfColumnsNeitherOverflowNorVanish(DType dtype, int m, int n, int exponent) {
        try (Device device = Device.open("cuda")) {
            Tensor a = device.tensor(new Random(3).doubles((long) m * n, -1, 1).toArray(), Shape.of(m, n)).to(dtype);
            double[] powers = new double[n];
            for (int j = 0; j < n; j++) {
                powers[j] = Math.scalb(1.0, exponent * (j % 3 - 1));
            }
            Tensor scales = device.tensor(powers).to(dtype);
            Tensor.Qr plain = a.qr();
            Tensor.Qr scaled = a.mul(scales).qr();
            double error = plain.q().matmul(plain.r()).sub(a).abs().max().item();
            assertTrue(error < 32 * dtype.epsilon(), "q r is off by " + error);
            if (n <= 32) {
                // The same reflections, bit for bit.
                assertArrayEquals(plain.q().toDoubleArray(), scaled.q().toDoubleArray());
                assertArrayEquals(plain.r().mul(scales).toDoubleArray(), scaled.r().toDoubleArray());
            }
            Tensor identity = device.eye(dtype, n);
            double skew = scaled.q().transpose().matmul(scaled.q()).sub(identity).abs().max().item();
            assertTrue(skew < 32 * dtype.epsilon(), "q^T q is off by " + skew);
        }
    }
}
