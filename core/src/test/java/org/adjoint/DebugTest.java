package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.adjoint.graph.DType;
import org.adjoint.nn.Activation;
import org.adjoint.nn.Linear;
import org.adjoint.nn.Sequential;
import org.adjoint.optim.SGD;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Anomalies are named, with the line that they come from; what is no anomaly passes. */
class DebugTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor vector(float... values) {
        return device.tensor(values);
    }

    /** The anomaly of {@code code}, which must name {@code operation} and a line of {@code method}. */
    private static AnomalyException anomaly(String operation, boolean backward, String method, Runnable code) {
        AnomalyException anomaly;
        try (var _ = Debug.detectAnomaly()) {
            anomaly = assertThrows(AnomalyException.class, code::run);
        }
        assertEquals(operation, anomaly.operation(), anomaly.getMessage());
        assertEquals(backward, anomaly.isBackward(), anomaly.getMessage());
        StackTraceElement line = anomaly.location().orElseThrow();
        assertEquals(DebugTest.class.getName(), line.getClassName());
        assertTrue(line.getMethodName().contains(method), anomaly.getMessage());
        assertTrue(anomaly.getMessage().endsWith("was recorded at " + line), anomaly.getMessage());
        assertEquals(line, anomaly.getCause().getStackTrace()[0]);
        return anomaly;
    }

    private static Tensor logOf(Tensor x) {
        return x.log();
    }

    private static Tensor rootOf(Tensor x) {
        return x.sqrt();
    }

    @Test
    void theLogarithmOfZero() {
        var anomaly = anomaly("log", false, "logOf", () -> logOf(vector(1, 0, 2).mul(2)).add(1).toFloatArray());
        assertTrue(anomaly.getMessage().startsWith("anomaly: log gave -Infinity at [1] of f32(3), from 0.0; log was"),
            anomaly.getMessage());
    }

    @Test
    void theGradientOfARootAtZero() {
        var anomaly = anomaly("sqrt", true, "rootOf", () -> {
            Tensor x = vector(4, 0);
            rootOf(x).sum().gradient(x).toFloatArray();
        });
        assertTrue(anomaly.getMessage().startsWith(
            "anomaly: the gradient of sqrt, a div, gave Infinity at [1] of f32(2), from 0.5 and 0.0; sqrt was recorded"),
            anomaly.getMessage());
        // 0 * infinity, where the forward pass hides the root.
        var hidden = anomaly("sqrt", true, "rootOf", () -> {
            Tensor x = vector(4, 0);
            rootOf(x).mul(vector(1, 0)).sum().gradient(x).toFloatArray();
        });
        assertTrue(hidden.getMessage().contains("a div, gave NaN at [1] of f32(2), from 0.0 and 0.0"),
            hidden.getMessage());
    }

    @Test
    void theFirstOfSeveral() {
        anomaly("log", false, "logOf", () -> {
            Tensor infinite = logOf(vector(0, 1));
            infinite.sub(infinite).add(rootOf(vector(-1, 1))).toFloatArray();
        });
    }

    @Test
    void inAStep() {
        Step step = Step.compile(device, x -> rootOf(x).mul(3).sum().gradient(x));
        assertFalse(Float.isFinite(step.run(vector(1, 0)).toFloatArray()[1]));
        anomaly("sqrt", true, "rootOf", () -> step.run(vector(1, 0)));
        try (var _ = Debug.detectAnomaly()) {
            assertArrayEquals(new float[] {1.5f, 0.75f}, step.run(vector(1, 4)).toFloatArray());
        }
        assertEquals(2, step.traces());
    }

    @Test
    void aVariableOfAStepThatFailsKeepsItsValue() {
        Variable w = device.variable("w", vector(1, 0));
        Step step = Step.compile(device, x -> {
            w.assign(logOf(w.tensor().mul(x)));
            return w.tensor().sum();
        });
        anomaly("log", false, "logOf", () -> step.run(vector(2, 2)));
        assertArrayEquals(new float[] {1, 0}, w.tensor().toFloatArray());
        w.assign(vector(1, 1));
        try (var _ = Debug.detectAnomaly()) {
            assertEquals(0, step.run(vector(1, 1)).item());
        }
        assertArrayEquals(new float[] {0, 0}, w.tensor().toFloatArray());
    }

    @Test
    void inATrainingLoopOfAModule() {
        var net = Sequential.of(Linear.of(2, 4), Activation.TANH, Linear.of(4, 1)).initialize(device, 1);
        SGD sgd = SGD.of(net.parameters()).learningRate(0.1);
        Step step = Step.compile(device, (x, y) -> {
            Tensor loss = rootOf(net.forward(x).sub(y).square()).mean();
            sgd.minimize(loss);
            return loss;
        });
        Tensor x = device.tensor(new float[] {1, 2, 3, 4}, 2, 2);
        try (var _ = Debug.detectAnomaly()) {
            for (int i = 0; i < 3; i++) {
                step.run(x, device.tensor(new float[] {5, 7}, 2, 1));
            }
        }
        float[] before = net.parameters().getFirst().tensor().toFloatArray();
        // A root has no slope where the prediction is exact.
        Tensor exact = net.forward(x).realize();
        anomaly("sqrt", true, "rootOf", () -> step.run(x, exact));
        assertArrayEquals(before, net.parameters().getFirst().tensor().toFloatArray());
    }

    @Test
    void inAnEagerTrainingLoop() {
        Variable w = device.variable("w", vector(3, 2));
        SGD sgd = SGD.of(List.of(w)).learningRate(1);
        try (var _ = Debug.detectAnomaly()) {
            sgd.minimize(rootOf(w.tensor()).sum());
        }
        w.assign(vector(0, 2));
        anomaly("sqrt", true, "rootOf", () -> sgd.minimize(rootOf(w.tensor()).sum()));
        assertArrayEquals(new float[] {0, 2}, w.tensor().toFloatArray());
    }

    @Test
    void whatWasNaNBeforeIsNamed() {
        Variable w = device.variable("w", vector(Float.NaN, 1));
        Tensor x = vector(1, 2);
        Tensor nan = vector(1, Float.NaN);
        Step step = Step.compile(device, (a, b) -> a.add(b).sum());
        try (var _ = Debug.detectAnomaly()) {
            message("anomaly: variable 'w' f32(2) held NaN at [0] before", () -> w.tensor().mul(x).toFloatArray());
            message("anomaly: a tensor f32(2) held NaN at [1] before", () -> nan.slice(0, 1, 2).exp().toFloatArray());
            message("anomaly: argument 1 of the step f32(2) held NaN at [1] before", () -> step.run(x, nan));
            message("anomaly: a constant is NaN; it was recorded at " + DebugTest.class.getName(),
                () -> x.mul(device.full(DType.F32, Double.NaN)).toFloatArray());
        }
        Tensor earlier = logOf(vector(-1)).realize();
        Tensor unread = logOf(vector(-1));
        try (var _ = Debug.detectAnomaly()) {
            message("anomaly: the result of log f32(1) held NaN at [0] before", () -> earlier.mul(2).toFloatArray());
            message("anomaly: log gave NaN at [0] of f32(1), from -1.0; its line is not known, for it was recorded "
                + "before Debug.detectAnomaly()", () -> unread.mul(2).toFloatArray());
        }
    }

    private static void message(String expected, Runnable code) {
        var anomaly = assertThrows(AnomalyException.class, code::run);
        assertTrue(anomaly.getMessage().startsWith(expected), anomaly.getMessage());
    }

    @Test
    void infinitiesThatMaskAreNoAnomaly() {
        Tensor mask = vector(0, Float.NEGATIVE_INFINITY, 0);
        Tensor x = vector(1, 2, 0);
        try (var _ = Debug.detectAnomaly()) {
            assertEquals(0, x.add(mask).softmax(0).toFloatArray()[1]);
            assertEquals(0, x.maskedFill(x.greaterThan(1), Double.NEGATIVE_INFINITY).exp().toFloatArray()[1]);
            // Nor is a branch that is not taken.
            assertEquals(0, x.greaterThan(0).where(x.log(), x).toFloatArray()[2]);
            assertEquals(Float.NEGATIVE_INFINITY, x.add(mask).toFloatArray()[1]);
        }
    }

    @Test
    void aNaNThatAMaskMakesIsOne() {
        Tensor mask = vector(Float.NEGATIVE_INFINITY);
        var anomaly = anomaly("sub", false, "lambda", () -> mask.sub(mask).toFloatArray());
        assertTrue(anomaly.getMessage().contains("sub gave NaN at [0] of f32(1), from -Infinity and -Infinity"),
            anomaly.getMessage());
    }

    @Test
    void operationsWithSeveralResultsAndThoseInF16() {
        anomaly("layerNorm", false, "ofEquals", () -> ofEquals().toFloatArray());
        var anomaly = anomaly("mul", false, "lambda", () -> vector(300).to(DType.F16).mul(300).toFloatArray());
        assertTrue(anomaly.getMessage().contains("mul gave Infinity at [0] of f16(1), from 300.0 and 300.0"),
            anomaly.getMessage());
    }

    private Tensor ofEquals() {
        Tensor x = device.tensor(new float[] {3, 3}, 1, 2);
        return x.layerNorm(vector(1, 1), vector(0, 0), 0);
    }

    @Test
    void withinMappedRecomputedAndOwnGradients() {
        Tensor x = device.tensor(new float[] {1, 0}, 2, 1);
        anomaly("log", false, "logOf", () -> Functions.vmap(DebugTest::logOf).apply(x).toFloatArray());
        anomaly("sqrt", true, "rootOf",
            () -> Functions.checkpoint(DebugTest::rootOf).apply(x).sum().gradient(x).toFloatArray());
        anomaly("withGradient", true, "lambda", () -> Functions.withGradient(y -> y.mul(2), (y, _, dy) -> dy.div(y))
            .apply(x).sum().gradient(x).toFloatArray());
        anomaly("sqrt", true, "rootOf", () -> Functions.hessian(y -> rootOf(y).sum(), x).toFloatArray());
    }

    @Test
    void withinALoop() {
        // 2, 1, 0: the root of the third carry is 0, and has no slope.
        Scan loop = Scan.of((carries, slices) -> {
            Tensor next = carries.getFirst().sub(slices.getFirst());
            return Scan.results(List.of(next), List.of(rootOf(next)));
        });
        Tensor ones = vector(1, 1, 1);
        Tensor start = device.scalar(3);
        try (var _ = Debug.detectAnomaly()) {
            loop.run(List.of(start), List.of(ones)).output(0).toFloatArray();
        }
        var backward = anomaly("sqrt", true, "rootOf",
            () -> loop.run(List.of(start), List.of(ones)).output(0).sum().gradient(start).item());
        assertTrue(backward.getMessage().contains("the gradient of sqrt, a div, gave Infinity of f32(), from 0.5 and "
            + "0.0, in iteration 2 of scan; sqrt was recorded at"), backward.getMessage());
        var forward = anomaly("log", false, "logOf", () -> Scan.of((carries, slices) -> {
            Tensor next = carries.getFirst().sub(slices.getFirst());
            return Scan.results(List.of(next), List.of(logOf(next)));
        }).run(List.of(start), List.of(ones)).output(0).toFloatArray());
        assertTrue(forward.getMessage().contains("log gave -Infinity of f32(), from 0.0, in iteration 2 of scan"),
            forward.getMessage());
    }

    @Test
    void resultsAreThoseOfAnUncheckedRun() {
        Tensor x = device.tensor(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
        Step step = Step.compileAll(device, in -> {
            Tensor y = in.getFirst().softmax(-1).matmul(in.getFirst().transpose()).dropout(0.5);
            return List.of(y, y, y.sum().gradient(in.getFirst()), in.getFirst());
        });
        device.random().seed(1);
        List<Tensor> expected = step.runAll(List.of(x));
        device.random().seed(1);
        try (var _ = Debug.detectAnomaly()) {
            List<Tensor> actual = step.runAll(List.of(x));
            for (int i = 0; i < expected.size(); i++) {
                assertArrayEquals(expected.get(i).toFloatArray(), actual.get(i).toFloatArray());
            }
        }
        assertArrayEquals(new long[] {1, 1}, device.random().state().tensor().toLongArray());
    }

    @Test
    void offItFindsNothingAndKeepsNoMemory() {
        // A scope, so that the collector has nothing to free while bytes are counted below.
        try (var scope = device.scope(); var outer = Debug.detectAnomaly(); var inner = Debug.detectAnomaly()) {
            inner.close();
            inner.close();
            assertThrows(AnomalyException.class, () -> logOf(vector(0)).toFloatArray());
            outer.close();
            assertEquals(Float.NEGATIVE_INFINITY, logOf(vector(0)).toFloatArray()[0]);
        }
        Tensor x = vector(1, 2);
        try (var scope = device.scope()) {
            long before = device.liveBytes();
            Tensor y;
            try (var _ = Debug.detectAnomaly()) {
                y = x.exp().add(1).log();
                y.toFloatArray();
            }
            assertEquals(before + 8, device.liveBytes());
            y.close();
        }
    }

    @Test
    void otherThreadsAreNotConcerned() {
        try (var detection = Debug.detectAnomaly()) {
            float other = CompletableFuture.supplyAsync(() -> logOf(vector(0)).toFloatArray()[0]).join();
            assertEquals(Float.NEGATIVE_INFINITY, other);
            var error = assertThrows(RuntimeException.class, () -> CompletableFuture.runAsync(detection::close).join());
            assertTrue(error.getMessage().contains("must be closed there"), error.getMessage());
        }
        Step step = Step.compile(device, () -> {
            Debug.detectAnomaly();
            return device.scalar(1);
        });
        assertThrows(IllegalStateException.class, step::run);
    }
}
