package org.adjoint.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Set;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.optim.SGD;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Normalizations, learned slopes and products of two inputs as modules. */
class NormModulesTest {
    private static final double[] X = {1, 4, -2, 0.5, 3, -1, 2, 2.5};
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private static double[] values(Module<?> module, String name) {
        return module.state().get(name).tensor().toDoubleArray();
    }

    @Test
    void runningStatisticsFollowTheBatches() {
        for (boolean compiled : new boolean[] {false, true}) {
            BatchNorm norm = BatchNorm.of(2, 1e-5, 0.25).initialize(device, 1, DType.F64);
            assertEquals(List.of("weight", "bias"), List.copyOf(norm.namedParameters().keySet()));
            assertEquals(Set.of("weight", "bias", "running_mean", "running_var"), norm.state().keySet());
            assertEquals(4, norm.parameterCount());
            Tensor x = device.tensor(X, 2, 2, 2);
            Step step = Step.compile(device, norm::forward);
            double[] output = null;
            for (int i = 0; i < 2; i++) {
                output = (compiled ? step.run(x) : norm.forward(x)).toDoubleArray();
            }
            // Channel 0 is {1, 4, 3, -1}, channel 1 {-2, 0.5, 2, 2.5}.
            double[] means = {7 / 4.0, 3 / 4.0};
            double[] squares = {27, 14.5};
            double[] variances = new double[2];
            for (int c = 0; c < 2; c++) {
                variances[c] = squares[c] / 4 - means[c] * means[c];
                double unbiased = variances[c] * 4 / 3;
                assertEquals(means[c] * (1 - 0.5625), values(norm, "running_mean")[c], 1e-14);
                assertEquals(0.5625 + unbiased * (1 - 0.5625), values(norm, "running_var")[c], 1e-14);
            }
            assertEquals((1 - means[0]) / Math.sqrt(variances[0] + 1e-5), output[0], 1e-14);
            norm.eval();
            double[] running = {values(norm, "running_mean")[1], values(norm, "running_var")[1]};
            double[] inferred = (compiled ? step.run(x) : norm.forward(x)).toDoubleArray();
            assertEquals((-2 - running[0]) / Math.sqrt(running[1] + 1e-5), inferred[2], 1e-14);
            assertEquals(running[0], values(norm, "running_mean")[1], "evaluation changes nothing");
            assertEquals(compiled ? 2 : 0, step.traces());
        }
    }

    @Test
    void aLayerNormMayHaveNoBias() {
        LayerNorm norm = LayerNorm.withoutBias(4).initialize(device, 1, DType.F64);
        assertEquals(List.of("weight"), List.copyOf(norm.namedParameters().keySet()));
        norm.parameters().getFirst().assign(device.tensor(new double[] {1, 2, 3, 4}));
        Tensor x = device.tensor(X, 2, 4);
        assertArrayEquals(x.layerNorm(1, 1e-5).mul(device.tensor(new double[] {1, 2, 3, 4})).toDoubleArray(),
            norm.forward(x).toDoubleArray(), 1e-14);
    }

    @Test
    void aNetTrainsThroughBatchNorm() {
        Sequential net = Sequential.of(Linear.of(2, 8), BatchNorm.of(8), Activation.RELU, Linear.of(8, 1))
            .initialize(device, 5, DType.F64);
        SGD sgd = SGD.of(net.parameters()).learningRate(0.1);
        Step step = Step.compile(device, (x, y) -> {
            Tensor loss = net.forward(x).mseLoss(y);
            sgd.minimize(loss);
            return loss;
        });
        Tensor x = device.tensor(X, 4, 2);
        Tensor y = device.tensor(new double[] {1, 0, 0, 1}, 4, 1);
        double first = step.run(x, y).item();
        double last = 0;
        for (int i = 0; i < 60; i++) {
            last = step.run(x, y).item();
        }
        assertEquals(1, step.traces());
        assertEquals(0, last, first / 20);
    }

    @Test
    void buffersAreNotHalved() {
        BatchNorm norm = BatchNorm.of(2).initialize(device, 1, DType.BF16);
        assertEquals(DType.BF16, norm.state().get("weight").dtype());
        assertEquals(DType.F32, norm.state().get("running_var").dtype());
        assertEquals(DType.BF16, norm.forward(device.tensor(X, 4, 2).to(DType.BF16)).dtype());
    }

    @Test
    void groupsAndInstancesScaleTheirChannels() {
        Tensor x = device.tensor(X, 1, 4, 2);
        Tensor gamma = device.tensor(new double[] {1, 2, 3, 4});
        GroupNorm group = GroupNorm.of(2, 4).initialize(device, 0, DType.F64);
        group.state().get("weight").assign(gamma);
        assertArrayEquals(x.groupNorm(2, gamma, null, 1e-5).toDoubleArray(), group.forward(x).toDoubleArray(), 1e-15);
        InstanceNorm instance = InstanceNorm.affine(4).initialize(device, 0, DType.F64);
        instance.state().get("bias").assign(gamma);
        assertArrayEquals(x.instanceNorm(null, gamma, 1e-5).toDoubleArray(), instance.forward(x).toDoubleArray(),
            1e-15);
        assertEquals(Set.of(), InstanceNorm.of(4).initialize(device, 0).state().keySet());
    }

    @Test
    void slopesAreLearned() {
        PReLU slopes = PReLU.of(2).initialize(device, 0, DType.F64);
        slopes.state().get("weight").assign(device.tensor(new double[] {0.5, 2}));
        assertArrayEquals(new double[] {1, 4, -4, 0.5, 3, -0.5, 2, 2.5},
            slopes.forward(device.tensor(X, 2, 2, 2)).toDoubleArray());
        PReLU one = PReLU.of().initialize(device, 0, DType.F64);
        assertArrayEquals(new double[] {-0.5, 3}, one.forward(device.tensor(new double[] {-2, 3})).toDoubleArray());
    }

    @Test
    void bilinearIsASumOverPairs() {
        Bilinear bilinear = Bilinear.of(2, 3, 2).initialize(device, 4, DType.F64);
        double[] a = {1, -2, 0.5, 3};
        double[] b = {2, 1, -1, 0.25, -3, 4};
        double[] weight = values(bilinear, "weight");
        double[] expected = new double[4];
        for (int row = 0; row < 2; row++) {
            for (int o = 0; o < 2; o++) {
                expected[2 * row + o] = values(bilinear, "bias")[o];
                for (int i = 0; i < 2; i++) {
                    for (int j = 0; j < 3; j++) {
                        expected[2 * row + o] += a[2 * row + i] * weight[(o * 2 + i) * 3 + j] * b[3 * row + j];
                    }
                }
            }
        }
        assertArrayEquals(expected,
            bilinear.forward(device.tensor(a, 2, 2), device.tensor(b, 2, 3)).toDoubleArray(), 1e-14);
        assertArrayEquals(new double[] {expected[0], expected[1]}, bilinear.forward(device.tensor(new double[] {1, -2}),
            device.tensor(new double[] {2, 1, -1})).toDoubleArray(), 1e-14);
    }

    @Test
    void misfitsAreErrors() {
        assertEquals("BatchNorm(2): its input must be (n, 2, ...) but is (2, 3)",
            assertThrows(IllegalArgumentException.class,
                () -> BatchNorm.of(2).initialize(device, 0).forward(device.ones(DType.F32, 2, 3))).getMessage());
        assertEquals("BatchNorm: the momentum must be in [0, 1] but is 2.0",
            assertThrows(IllegalArgumentException.class, () -> BatchNorm.of(2, 1e-5, 2)).getMessage());
        assertEquals("GroupNorm: 4 channels do not divide into 3 groups",
            assertThrows(IllegalArgumentException.class, () -> GroupNorm.of(3, 4)).getMessage());
        assertEquals("InstanceNorm(3): its input must be (n, 3, ...) but is (3)", assertThrows(
            IllegalArgumentException.class, () -> InstanceNorm.of(3).forward(device.ones(DType.F32, 3))).getMessage());
        assertEquals("PReLU(2): its input must be (n, 2, ...) but is (3)", assertThrows(IllegalArgumentException.class,
            () -> PReLU.of(2).initialize(device, 0).forward(device.ones(DType.F32, 3))).getMessage());
        assertEquals("Bilinear(1, 1, 1): inputs (2, 1) and (3, 1) must agree but for the last axis",
            assertThrows(IllegalArgumentException.class, () -> Bilinear.of(1, 1, 1).initialize(device, 0)
                .forward(device.ones(DType.F32, 2, 1), device.ones(DType.F32, 3, 1))).getMessage());
    }
}
