package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Scan;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.adjoint.nn.LSTM;
import org.adjoint.nn.Linear;
import org.adjoint.optim.AdamW;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Loops on the emulated card: launched anew for each iteration, replayed as graphs, checked like other steps. */
class CudaScanTest {
    private static final int STEPS = 5;

    private Emulator emulator;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
    }

    /** Losses of an LSTM that learns which numbers came first, after a dry run, which changes nothing. */
    private static double[] losses(Device device) {
        device.random().seed(3);
        LSTM net = LSTM.of(2, 5).initialize(device, 1);
        Linear read = Linear.of(5, 1).initialize(device, 2);
        List<Variable> parameters = new ArrayList<>(net.parameters());
        parameters.addAll(read.parameters());
        AdamW adam = AdamW.of(parameters).learningRate(0.05);
        double[] losses = new double[STEPS];
        try (Step step = Step.compile(device, (x, y) -> {
            Tensor loss = read.forward(net.run(x.dropout(0.1)).state().hidden().squeeze(0))
                .binaryCrossEntropyWithLogits(y);
            adam.minimize(loss);
            return loss;
        })) {
            Tensor x = device.random().bernoulli(0.5, 4, 3, 2).to(DType.F32).realize();
            Tensor y = x.slice(0, 0, 1).squeeze(0).sum(1).mul(0.5).reshape(3, 1).realize();
            assertTrue(step.dryRunNanos(x, y) > 0);
            for (int i = 0; i < STEPS; i++) {
                losses[i] = step.run(x, y).item();
            }
        }
        return losses;
    }

    @Test
    void learnsAsOnTheCpu() {
        double[] expected;
        try (Device device = Device.open("cpu")) {
            expected = losses(device);
        }
        for (Map<String, String> options : List.of(Map.<String, String>of(),
            Map.of("pooling", "false", "separateIntermediates", "true", "graphs", "false"))) {
            try (Device device = Device.open("cuda", options)) {
                assertArrayEquals(expected, losses(device), 1e-5);
                assertEquals("", emulator.fault());
            }
        }
        assertEquals(0, emulator.liveBytes());
    }

    /** What was captured for one run of the loop is replayed for the next, and computes with what that binds. */
    @Test
    void replaysWithNewValues() {
        try (Device device = Device.open("cuda")) {
            Variable state = device.variable("state", device.zeros(DType.F32, 16));
            try (Step step = Step.compile(device, x -> {
                Scan.Results results = Scan.of((carries, slices) -> {
                    Tensor sum = carries.getFirst().mul(0.5).add(slices.getFirst());
                    return Scan.results(List.of(sum), List.of(sum));
                }).run(List.of(state.tensor()), List.of(x));
                state.assign(results.carry(0));
                return results.output(0).slice(1, 0, 1);
            })) {
                Tensor x = device.ones(DType.F32, 3, 16).realize();
                double expected = 0;
                for (int run = 0; run < 5; run++) {
                    double[] outputs = step.run(x).toDoubleArray();
                    for (double output : outputs) {
                        expected = expected * 0.5 + 1;
                        assertEquals(expected, output);
                    }
                }
            }
            assertEquals("", emulator.fault());
        }
    }

    @Test
    void anIndexOutOfRangeInAnIterationFailsTheRunAndChangesNothing() {
        try (Device device = Device.open("cuda")) {
            Variable state = device.variable("state", device.zeros(DType.F32, 1));
            Variable runs = device.variable("runs", device.zeros(DType.F32, 1));
            try (Step step = Step.compile(device, indices -> {
                runs.assign(runs.tensor().add(1));
                Tensor table = device.arange(DType.F32, 3).add(state.tensor());
                Tensor rows = Scan.of((_, slices) -> Scan.results(List.of(),
                    List.of(table.gather(0, slices.getFirst())))).run(List.of(), List.of(indices)).output(0);
                state.assign(rows.sum().reshape(1));
                return rows;
            })) {
                Tensor good = device.tensor(new long[] {2, 0, 1}, 3, 1);
                assertArrayEquals(new double[] {2, 0, 1}, step.run(good).toDoubleArray());
                Tensor bad = device.tensor(new long[] {2, 3, 1}, 3, 1);
                var failure = assertThrows(IndexOutOfBoundsException.class, () -> step.run(bad));
                assertEquals("gather: an index at position (0) is out of range for axis 0 with extent 3",
                    failure.getMessage());
                assertEquals(3, state.tensor().item());
                assertEquals(1, runs.tensor().item());
                assertArrayEquals(new double[] {5, 3, 4}, step.run(good).toDoubleArray());
            }
            assertEquals("", emulator.fault());
        }
    }
}
