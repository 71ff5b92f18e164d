package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Shape;
import org.adjoint.optim.AdamW;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** AdamW over many tensors, against the CPU's, which computes the decomposition. */
class AdamWKernelTest {
    private static final FusedOp.AdamWUpdate SETTINGS = new FusedOp.AdamWUpdate(0.9, 0.99, 1e-8, 0.1);

    /** The parameters of a model after some steps: more than a launch has, some empty, some longer than a block. */
    private static List<double[]> train(Device device, DType dtype, boolean compiled) {
        List<Variable> parameters = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            int width = i == 3 ? 0 : i == 7 ? 4099 : i == 11 ? 8192 : 1 + i * 5 % 31;
            double[] values = new double[width];
            for (int j = 0; j < width; j++) {
                values[j] = Math.sin(i + 0.37 * j);
            }
            parameters.add(device.variable("p" + i, device.tensor(values, width).to(dtype)));
        }
        AdamW adam = AdamW.of(parameters).learningRate(0.05).weightDecay(0.2);
        Step.Function0 function = () -> {
            Tensor loss = parameters.stream().map(p -> p.tensor().to(dtype.computeType()).square().mul(0.5).sum())
                .reduce(Tensor::add).orElseThrow();
            adam.minimize(loss);
            return loss;
        };
        try (Step step = Step.compile(device, function)) {
            for (int i = 0; i < 3; i++) {
                if (compiled) {
                    step.run();
                } else {
                    function.apply();
                }
            }
        }
        return parameters.stream().map(parameter -> parameter.tensor().toDoubleArray()).toList();
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F64", "BF16", "F16"})
    void hasTheBitsOfTheDecomposition(DType dtype) {
        Emulator.require().reset();
        try (Device cuda = Device.open("cuda"); Device cpu = Device.open("cpu")) {
            List<double[]> expected = train(cpu, dtype, true);
            for (boolean compiled : new boolean[] {true, false}) {
                List<double[]> actual = train(cuda, dtype, compiled);
                for (int i = 0; i < expected.size(); i++) {
                    assertArrayEquals(expected.get(i), actual.get(i), "parameter " + i + ", compiled " + compiled);
                }
            }
        }
    }

    /** Slots: parameter, moments, gradient from {@code first}; scalars from 100. */
    private static PlanStep.Kernel update(int first, boolean inPlace, int gradientSlot, long elements) {
        Shape shape = Shape.of(elements);
        List<View> inputs = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            inputs.add(View.contiguous(first + i, DType.F32, shape));
        }
        List<View> outputs = inPlace ? List.copyOf(inputs)
            : List.of(View.contiguous(first + 4, DType.F32, shape), View.contiguous(first + 5, DType.F32, shape),
                View.contiguous(first + 6, DType.F32, shape));
        inputs.add(View.contiguous(gradientSlot, DType.F32, shape));
        for (int i = 0; i < 3; i++) {
            inputs.add(View.contiguous(100 + i, DType.F32, Shape.of()));
        }
        return new PlanStep.Kernel(SETTINGS, inputs, outputs);
    }

    @Test
    void stepsJoinWhereTheyAreApart() {
        PlanStep.Kernel first = update(0, true, 3, 5);
        assertTrue(AdamWKernel.joins(List.of(first), update(10, true, 13, 7)));
        assertFalse(AdamWKernel.joins(List.of(first), update(10, false, 13, 7)), "writes elsewhere");
        assertFalse(AdamWKernel.joins(List.of(update(0, false, 3, 5)), first), "follows one that writes elsewhere");
        assertFalse(AdamWKernel.joins(List.of(first), update(10, true, 0, 5)), "reads what the first writes");
        assertFalse(AdamWKernel.joins(List.of(update(0, true, 10, 5)), update(10, true, 13, 5)),
            "writes what the first reads");
        PlanStep.Kernel slower =
            new PlanStep.Kernel(new FusedOp.AdamWUpdate(0.9, 0.99, 1e-8, 0), first.inputs(), first.outputs());
        assertFalse(AdamWKernel.joins(List.of(slower), update(10, true, 13, 7)), "other settings");
    }

    @Test
    void launchesAreFew() {
        List<PlanStep.Kernel> steps = new ArrayList<>();
        for (int i = 0; i < 45; i++) {
            steps.add(update(200 + 10 * i, true, 203 + 10 * i, i == 1 ? 0 : 5000));
        }
        List<Launch> launches = AdamWKernel.prepare(steps).work().stream().map(Launch.class::cast).toList();
        // 44 tensors that are not empty, of two blocks each
        assertEquals(List.of(88L), launches.stream().map(Launch::gridX).toList());
        steps.add(update(1000, true, 1003, 1));
        assertEquals(2, AdamWKernel.prepare(steps).work().size());
        assertEquals(List.of(), AdamWKernel.prepare(List.of(update(0, true, 3, 0))).work());
    }
}
