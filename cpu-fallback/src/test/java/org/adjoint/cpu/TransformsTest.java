package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.adjoint.AnomalyException;
import org.adjoint.Debug;
import org.adjoint.Device;
import org.adjoint.Functions;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What functions of functions, and the search for anomalies, promise of compiled steps. */
class TransformsTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("cpu");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor gaussian(Random random, double deviation, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return device.tensor(values, rows, columns);
    }

    /** Loss and gradients of a deep chain in steps of one shape, with dropout; blocks of two layers are one function. */
    private Step chain(DType dtype, List<Variable> weights, boolean again) {
        return Step.compileAll(device, in -> {
            Tensor x = in.getFirst().to(dtype);
            for (int i = 0; i < weights.size(); i += 2) {
                List<Variable> block = weights.subList(i, i + 2);
                Step.Function1 layers = y -> {
                    for (Variable weight : block) {
                        y = y.add(y.softmax(-1).matmul(weight.tensor().to(dtype)).gelu().dropout(0.1));
                    }
                    return y;
                };
                x = (again ? Functions.checkpoint(layers) : layers).apply(x);
            }
            Tensor loss = x.to(DType.F32).square().mean();
            List<Tensor> results = new ArrayList<>(List.of(loss));
            results.addAll(loss.gradients(weights));
            return results;
        });
    }

    @Test
    void checkpointsSpareMemoryAndChangeNoBit() {
        Random random = new Random(1);
        List<Variable> weights = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            weights.add(device.variable("w" + i, gaussian(random, 0.1, 48, 48)));
        }
        Tensor x = gaussian(random, 1, 207, 48);
        for (DType dtype : List.of(DType.F32, DType.BF16)) {
            Step plain = chain(dtype, weights, false);
            Step again = chain(dtype, weights, true);
            device.random().seed(7);
            List<Tensor> expected = plain.runAll(List.of(x));
            device.random().seed(7);
            List<Tensor> actual = again.runAll(List.of(x));
            for (int i = 0; i < expected.size(); i++) {
                // In 16 bits a value is rounded where it leaves its group, and groups may be others.
                float[] values = expected.get(i).toFloatArray();
                assertArrayEquals(values, actual.get(i).toFloatArray(), dtype == DType.F32 ? 0 : 0.02f * largest(values),
                    dtype + " result " + i);
            }
            long without = plain.memory().arenaBytes();
            long with = again.memory().arenaBytes();
            assertTrue(with < without / 2, dtype + ": " + with + " bytes rather than " + without);
        }
    }

    private static float largest(float[] values) {
        float largest = Float.MIN_VALUE;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    @Test
    void perExampleGradientsAreThoseOfALoop() {
        Random random = new Random(2);
        Variable weight = device.variable("w", gaussian(random, 0.1, 13, 7));
        Tensor x = gaussian(random, 1, 21, 13);
        Tensor y = device.tensor(new Random(3).ints(21, 0, 7).toArray()).realize();
        Step step = Step.compile(device, (batch, targets) -> Functions.vmap((Step.Function2) (one, target) ->
            Functions.gradient(w -> one.reshape(1, 13).matmul(w).crossEntropy(target.reshape(1)))
                .apply(weight.tensor())).apply(batch, targets));
        Tensor gradients = step.run(x, y);
        for (int i = 0; i < 21; i++) {
            Tensor expected = x.slice(0, i, i + 1).matmul(weight.tensor()).crossEntropy(y.slice(0, i, i + 1)).gradient(weight);
            assertArrayEquals(expected.toFloatArray(), gradients.slice(0, i, i + 1).squeeze(0).toFloatArray(), 1e-6f);
        }
    }

    @Test
    void anomaliesAreNamedThoughGroupsAreFused() {
        Step step = Step.compile(device, x -> x.mul(2).sqrt().add(1).log().sum().gradient(x));
        Tensor zero = device.tensor(new float[] {1, 0, 3});
        step.run(zero);
        try (var _ = Debug.detectAnomaly()) {
            var anomaly = assertThrows(AnomalyException.class, () -> step.run(zero));
            assertEquals("sqrt", anomaly.operation());
            assertTrue(anomaly.isBackward());
            assertEquals("TransformsTest.java", anomaly.location().orElseThrow().getFileName());
            // x = 2: 1 / (1 + sqrt(2 x)) / sqrt(2 x)
            assertArrayEquals(new float[] {1 / 6f}, step.run(device.tensor(new float[] {2})).toFloatArray(), 1e-6f);
        }
    }
}
