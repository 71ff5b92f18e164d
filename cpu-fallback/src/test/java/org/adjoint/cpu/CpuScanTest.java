package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.nn.LSTM;
import org.junit.jupiter.api.Test;

/** Loops on the CPU: the same bits whatever runs them, and those of no other memory. */
class CpuScanTest {
    /** Outputs and gradients of an LSTM of odd sizes. */
    private static List<double[]> train(String name, Map<String, String> options, DType dtype, int length) {
        try (Device device = Device.open(name, options)) {
            device.random().seed(3);
            LSTM net = LSTM.of(3, 13).initialize(device, 1, dtype);
            Tensor x = device.random().normal(dtype, length, 5, 3).realize();
            try (Step step = Step.compileAll(device, in -> {
                Tensor outputs = net.forward(in.getFirst());
                List<Tensor> results = new ArrayList<>(outputs.square().mean().gradients(net.parameters()));
                results.add(outputs);
                return results;
            })) {
                assertTrue(step.dryRunNanos(x) > 0);
                // What a run leaves in its arena does not show in the next.
                step.runAll(List.of(x)).forEach(Tensor::close);
                return step.runAll(List.of(x)).stream().map(Tensor::toDoubleArray).toList();
            }
        }
    }

    @Test
    void threadsAndVectorsDoNotShowInTheBits() {
        List<double[]> expected = train("cpu", Map.of("threads", "1", "vectorBits", "512"), DType.F32, 207);
        List<double[]> actual = train("cpu", Map.of("threads", "3", "vectorBits", "128"), DType.F32, 207);
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i));
        }
    }

    @Test
    void agreesWithTheReference() {
        List<double[]> expected = train("reference", Map.of(), DType.F64, 23);
        List<double[]> actual = train("cpu", Map.of(), DType.F64, 23);
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i), 1e-13);
        }
    }
}
