package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.CrossEntropyOptions;
import org.adjoint.graph.RotaryLayout;
import org.adjoint.nn.BatchNorm;
import org.adjoint.nn.Dropout;
import org.adjoint.nn.Module;
import org.adjoint.nn.MultiHeadAttention;
import org.adjoint.nn.RMSNorm;
import org.adjoint.optim.MovingAverage;
import org.adjoint.optim.Muon;
import org.junit.jupiter.api.Test;

/** Grouped attention with rotary positions, batch normalization with running statistics, Muon and averages, trained. */
class CudaModulesTest {
    private static final class Net extends Module<Net> {
        private final RMSNorm norm = child("norm", RMSNorm.of(8));
        private final MultiHeadAttention attention =
            child("attention", MultiHeadAttention.grouped(8, 4, 2, true).rotary(RotaryLayout.HALVES));
        private final BatchNorm batch = child("batch", BatchNorm.of(8));
        private final Dropout dropout = child("dropout", Dropout.of(0.25));

        Tensor forward(Tensor x) {
            Tensor mixed = x.add(attention.forward(norm.forward(x)));
            return dropout.forward(batch.forward(mixed.reshape(10, 8)));
        }
    }

    /** Parameters, running statistics and averages after three steps. */
    private static Map<String, double[]> train(Device device) {
        Net net = new Net().initialize(device, 3);
        // A shift of all rows is lost in the batch's mean: its gradient is noise, not to be scaled up to a step.
        Muon muon = Muon.of(net.parameters()).learningRate(0.01).epsilon(0.01);
        MovingAverage average = MovingAverage.of(net.parameters(), 0.75);
        device.random().seed(5);
        float[] values = new float[80];
        int[] targets = new int[10];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i * 37 % 29) / 16f - 0.8f;
            targets[i / 8] = i / 8 == 4 ? -100 : i % 7;
        }
        CrossEntropyOptions options = CrossEntropyOptions.DEFAULT.ignoredIndex(-100).labelSmoothing(0.1);
        try (Step step = Step.compile(device, (x, y) -> {
            Tensor loss = net.forward(x).crossEntropy(y, options);
            muon.minimize(loss);
            average.update();
            return loss;
        })) {
            for (int i = 0; i < 3; i++) {
                step.run(device.tensor(values, 2, 5, 8), device.tensor(targets));
            }
            assertEquals(1, step.traces());
        }
        Map<String, double[]> state = new LinkedHashMap<>();
        net.state().forEach((name, variable) -> state.put(name, variable.tensor().toDoubleArray()));
        average.state().forEach((name, variable) -> state.put(name, variable.tensor().toDoubleArray()));
        return state;
    }

    @Test
    void trainAsOnTheCpu() {
        Emulator emulator = Emulator.require();
        emulator.reset();
        Map<String, double[]> expected;
        try (Device cpu = Device.open("cpu")) {
            expected = train(cpu);
        }
        try (Device cuda = Device.open("cuda", Map.of("separateIntermediates", "true"))) {
            Map<String, double[]> actual = train(cuda);
            assertEquals("", emulator.fault());
            assertEquals(expected.keySet(), actual.keySet());
            expected.forEach((name, values) -> assertArrayEquals(values, actual.get(name), 2e-4, name));
        }
    }
}
