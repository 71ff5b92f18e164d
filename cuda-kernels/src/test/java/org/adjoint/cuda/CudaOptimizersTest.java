package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.optim.Adadelta;
import org.adjoint.optim.Adagrad;
import org.adjoint.optim.AdamW;
import org.adjoint.optim.Adamax;
import org.adjoint.optim.Lion;
import org.adjoint.optim.NAdam;
import org.adjoint.optim.Optimizer;
import org.adjoint.optim.RMSProp;
import org.adjoint.optim.SGD;
import org.junit.jupiter.api.Test;

/** Optimizers over many small parameters: the bits of the CPU in few launches. */
class CudaOptimizersTest {
    private static final int PARAMETERS = 60;

    /** Parameters after some steps; of eighths, so that a first norm is exact in any order. */
    private static List<double[]> train(Device device, Function<List<Variable>, Optimizer<?>> optimizer, int steps) {
        List<Variable> parameters = new ArrayList<>();
        for (int i = 0; i < PARAMETERS; i++) {
            int width = i == 3 ? 0 : i == 7 ? 4098 : i == 11 ? 702 : 1 + i * 5 % 31;
            float[] values = new float[width];
            for (int j = 0; j < width; j++) {
                values[j] = (i * 31 + j * 7) % 17 / 8f - 1;
            }
            parameters.add(device.variable("p" + i, device.tensor(values, width)));
        }
        Optimizer<?> chosen = optimizer.apply(parameters);
        try (Step step = Step.compile(device, () -> {
            Tensor loss = parameters.stream().map(p -> p.tensor().square().mul(0.5).sum()).reduce(Tensor::add)
                .orElseThrow();
            chosen.minimize(loss);
            return loss;
        })) {
            for (int i = 0; i < steps; i++) {
                step.run();
            }
        }
        return parameters.stream().map(parameter -> parameter.tensor().toDoubleArray()).toList();
    }

    private static void compare(Function<List<Variable>, Optimizer<?>> optimizer, int steps) {
        Emulator emulator = Emulator.require();
        emulator.reset();
        List<double[]> expected;
        try (Device cpu = Device.open("cpu")) {
            expected = train(cpu, optimizer, steps);
        }
        for (boolean separate : new boolean[] {false, true}) {
            try (Device cuda = Device.open("cuda", Map.of("separateIntermediates", "" + separate))) {
                List<double[]> actual = train(cuda, optimizer, steps);
                assertEquals("", emulator.fault());
                for (int i = 0; i < PARAMETERS; i++) {
                    assertArrayEquals(expected.get(i), actual.get(i), "parameter " + i);
                }
            }
        }
    }

    @Test
    void descent() {
        compare(parameters -> SGD.of(parameters).learningRate(0.05).momentum(0.9).weightDecay(0.1), 3);
        Map<String, Long> launches = Emulator.require().launches();
        assertTrue(launches.entrySet().stream().filter(entry -> entry.getKey().contains("mul_add_sub"))
            .mapToLong(Map.Entry::getValue).sum() <= 2 * 3 * 3, "launches of two times three steps: " + launches);
    }

    @Test
    void clipped() {
        compare(parameters -> SGD.of(parameters).learningRate(0.05).momentum(0.9).clipNorm(0.7), 1);
        compare(parameters -> AdamW.of(parameters).learningRate(0.05).clipNorm(0.7), 1);
    }

    @Test
    void adaptive() {
        compare(parameters -> RMSProp.of(parameters).learningRate(0.05).momentum(0.9).centered(), 2);
        compare(parameters -> Adagrad.of(parameters).rateDecay(0.1), 2);
        compare(Adadelta::of, 2);
        compare(Adamax::of, 2);
        compare(NAdam::of, 2);
        compare(parameters -> Lion.of(parameters).weightDecay(0.1), 2);
    }
}
