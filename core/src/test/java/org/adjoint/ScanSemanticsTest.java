package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.Supplier;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** How a scan's body lives with variables, random numbers, handles, steps and other transformations. */
class ScanSemanticsTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor vector(double... values) {
        return device.tensor(values);
    }

    /** Carries c and gives c at each step, c' = body(c, slice). */
    private static Scan.Results fold(Tensor first, Tensor x, BinaryOperator<Tensor> body) {
        return Scan.of((carries, slices) -> {
            Tensor next = body.apply(carries.getFirst(), slices.getFirst());
            return Scan.results(List.of(next), List.of(next));
        }).run(List.of(first), List.of(x));
    }

    @Test
    void variablesAreReadAsTheyAreWhereTheScanStands() {
        Variable rate = device.variable("rate", device.tensor(new double[] {2}, 1));
        Tensor x = vector(1, 2, 3).reshape(3, 1);
        Tensor before = fold(device.zeros(DType.F64, 1), x, (c, s) -> c.mul(rate.tensor()).add(s)).carry(0);
        rate.assign(vector(10));
        Tensor after = fold(device.zeros(DType.F64, 1), x, (c, s) -> c.mul(rate.tensor()).add(s)).carry(0);
        assertEquals(1 * 4 + 2 * 2 + 3, before.item());
        assertEquals(123, after.item());
        // d/dr of r^2 + 2 r + 3
        assertEquals(22, after.sum().gradient(rate).item());
    }

    @Test
    void gradientsFlowToWhatTheBodyCapturesThroughItsHistory() {
        Tensor a = vector(0.5, 2);
        Tensor scale = a.square().add(1);
        Tensor total = fold(device.zeros(DType.F64, 2), vector(1, 2, 3, 4).reshape(2, 2),
            (c, s) -> c.mul(scale).add(s)).carry(0);
        // (1 s + 3, 2 s + 4) with s = a^2 + 1
        assertArrayEquals(new double[] {1 * 2 * 0.5, 2 * 2 * 2}, total.sum().gradient(a).toDoubleArray());
    }

    @Test
    void aStepRunsScansOfVariablesAndAssignsTheirResults() {
        Variable state = device.variable("state", vector(0, 0));
        Step step = Step.compile(device, x -> {
            Scan.Results results = fold(state.tensor(), x, (c, s) -> c.mul(0.5).add(s));
            state.assign(results.carry(0));
            return results.output(0);
        });
        Tensor x = vector(1, 2, 3, 4).reshape(2, 2);
        assertArrayEquals(new double[] {1, 2, 3.5, 5}, step.run(x).toDoubleArray());
        assertArrayEquals(new double[] {3.5, 5}, state.tensor().toDoubleArray());
        assertArrayEquals(new double[] {2.75, 4.5, 4.375, 6.25}, step.run(x).toDoubleArray());
        assertArrayEquals(new double[] {4.375, 6.25}, state.tensor().toDoubleArray());
        assertEquals(1, step.traces());
        assertTrue(step.explain().contains("2 iterations"), step.explain());
    }

    @Test
    void eagerPlansAreCached() {
        Supplier<Tensor> run = () -> fold(device.zeros(DType.F64, 2), device.ones(DType.F64, 4, 2),
            (c, s) -> c.mul(3).add(s)).carry(0);
        run.get().toDoubleArray();
        long plans = device.plansMade();
        assertArrayEquals(new double[] {40, 40}, run.get().toDoubleArray());
        assertEquals(plans, device.plansMade());
    }

    @Test
    void aBodyHasNoValuesAndNoEffects() {
        Variable variable = device.variable("v", vector(1));
        Tensor x = vector(1, 2);
        assertFails("assign: variable 'v' can't be assigned in the body of a scan, which is recorded once: make its "
            + "value a carry and assign the last one behind the scan", () -> fold(device.zeros(DType.F64), x, (c, s) -> {
                variable.assign(vector(3));
                return c.add(s);
            }));
        assertFails("item: the body of a scan has no values yet, it runs once to record what is to be computed. Choose "
            + "between tensors with where(); read values in what the scan returns",
            () -> fold(device.zeros(DType.F64), x, (c, s) -> c.add(s.item())));
        assertFails("scan: the body returns null: return Scan.results(carries, outputs)",
            () -> Scan.of((_, _) -> null).run(List.of(x), 3));
        assertFails("scan: the function returned no tensor but null",
            () -> Scan.of((_, _) -> Scan.results(null, List.of())).run(List.of(x), 3));
        // A body that failed leaves nothing behind.
        assertEquals(3, fold(device.zeros(DType.F64), x, Tensor::add).carry(0).item());
        variable.assign(vector(5));
    }

    @Test
    void whatABodyMadeIsNotUsedOutsideOfIt() {
        List<Tensor> escaped = new ArrayList<>();
        fold(device.zeros(DType.F64), vector(1, 2), (c, s) -> {
            escaped.add(c.add(s));
            return escaped.getFirst();
        });
        assertFails("neg: a tensor of the body of a scan is used outside of it: return it as an output or as a carry",
            () -> escaped.getFirst().neg());
    }

    private static void assertFails(String message, Executable what) {
        assertEquals(message, assertThrows(IllegalStateException.class, what).getMessage());
    }

    @Test
    void everyIterationDrawsOtherNumbersAndTheNextScanToo() {
        List<double[]> draws = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            draws.add(Scan.of((_, _) -> Scan.results(List.of(), List.of(device.random().uniform(DType.F64, 2),
                device.random().uniform(DType.F64, 2)))).run(List.of(), List.of(vector(1, 2, 3))).outputs().stream()
                .map(Tensor::toDoubleArray).flatMapToDouble(Arrays::stream).toArray());
        }
        assertEquals(24, draws.stream().flatMapToDouble(Arrays::stream).distinct().count());
    }

    @Test
    void nestedScansDrawOtherNumbersInEachIteration() {
        Tensor drawn = Scan.of((_, _) -> {
            Tensor inner = Scan.of((_, _) -> Scan.results(List.of(), List.of(device.random().uniform(DType.F64, 2))))
                .run(List.of(), List.of(vector(1, 2, 3))).output(0);
            return Scan.results(List.of(), List.of(inner));
        }).run(List.of(), List.of(vector(1, 2))).output(0);
        assertEquals("(2, 3, 2)", drawn.shape().toString());
        assertEquals(12, Arrays.stream(drawn.toDoubleArray()).distinct().count());
    }

    @Test
    void stepsDrawOtherNumbersInEachRunAndTheSameForwardAndBackward() {
        Step step = Step.compileAll(device, in -> {
            Scan.Results results = Scan.of((carries, slices) -> {
                Tensor kept = slices.getFirst().dropout(0.5);
                return Scan.results(List.of(carries.getFirst().add(kept)), List.of(kept));
            }).run(List.of(device.zeros(DType.F64, 4)), in);
            return List.of(results.output(0), results.carry(0).sum().gradient(in.getFirst()));
        });
        Tensor ones = device.ones(DType.F64, 5, 4);
        List<Tensor> first = step.runAll(List.of(ones));
        assertArrayEquals(first.get(0).toDoubleArray(), first.get(1).toDoubleArray());
        double[] other = step.runAll(List.of(ones)).getFirst().toDoubleArray();
        assertTrue(!Arrays.equals(first.getFirst().toDoubleArray(), other));
        assertEquals(2, Arrays.stream(other).distinct().count());
    }

    @Test
    void anIndexOutOfRangeInAnIterationFailsTheRunAndChangesNothing() {
        Variable state = device.variable("state", vector(0));
        Variable runs = device.variable("runs", vector(0));
        Step step = Step.compile(device, indices -> {
            runs.assign(runs.tensor().add(1));
            Tensor table = device.arange(DType.F64, 3).add(state.tensor());
            Tensor rows = Scan.of((carries, slices) -> Scan.results(List.of(),
                List.of(table.gather(0, slices.getFirst())))).run(List.of(), List.of(indices)).output(0);
            state.assign(rows.sum().reshape(1));
            return rows;
        });
        assertArrayEquals(new double[] {2, 0, 1}, step.run(device.tensor(new long[] {2, 0, 1}, 3, 1)).toDoubleArray());
        var failure = assertThrows(IndexOutOfBoundsException.class,
            () -> step.run(device.tensor(new long[] {2, 3, 1}, 3, 1)));
        assertEquals("gather: index 3 is out of range for axis 0 of (3): use 0 to 2", failure.getMessage());
        assertEquals(3, state.tensor().item());
        assertEquals(1, runs.tensor().item());
    }

    @Test
    void whatAnUncomputedScanUsesMayBeClosed() {
        Tensor scale = vector(2, 3).realize();
        Tensor x = vector(1, 1, 1, 1).reshape(2, 2);
        Tensor total = fold(device.ones(DType.F64, 2), x, (c, s) -> c.mul(scale.neg()).add(s)).carry(0);
        scale.close();
        x.close();
        assertArrayEquals(new double[] {3, 7}, total.toDoubleArray());
    }

    @Test
    void longBodiesAreRecordedWithoutBeingComputed() {
        Tensor deep = fold(device.zeros(DType.F64), vector(1, 2), (c, s) -> {
            Tensor sum = c.add(s);
            for (int i = 0; i < 1500; i++) {
                sum = sum.add(1);
            }
            return sum;
        }).carry(0);
        assertEquals(3003, deep.item());
    }

    @Test
    void composesWithCheckpointAndVmapAndForwardMode() {
        Step.Function1 cell = Functions.checkpoint((Step.Function1) x -> x.sin().mul(x));
        Step.Function1 loop = x -> fold(x.sum(), x, (c, s) -> cell.apply(c.add(s))).carry(0);
        Tensor x = vector(0.5, -1, 2);
        Tensor c = x.sum();
        for (int i = 0; i < 3; i++) {
            Tensor s = c.add(x.slice(0, i, i + 1).squeeze(0));
            c = s.sin().mul(s);
        }
        Tensor gradient = Functions.gradient(loop).apply(x);
        assertArrayEquals(c.gradient(x).toDoubleArray(), gradient.toDoubleArray(), 1e-14);
        Tensor tangent = vector(1, 2, 3);
        assertEquals(gradient.mul(tangent).sum().item(), Functions.jvp(loop, x, tangent).tangent().item(), 1e-13);
        Tensor both = Functions.vmap(loop).apply(Tensor.stack(List.of(x, x.neg())));
        assertArrayEquals(new double[] {loop.apply(x).item(), loop.apply(x.neg()).item()}, both.toDoubleArray(), 1e-14);
    }
}
