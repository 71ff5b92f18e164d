package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.adjoint.gradcheck.GradientCheck;
import org.adjoint.gradcheck.GradientReport;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.nn.Linear;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Functions of functions: against the definitions, differences, and each other. */
class FunctionsTest {
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

    private Tensor random(long... shape) {
        return device.random().normal(DType.F64, shape).realize();
    }

    private static void assertValues(Tensor tensor, double... expected) {
        assertArrayEquals(expected, tensor.toDoubleArray(), 1e-12);
    }

    private static void assertSame(Tensor expected, Tensor actual) {
        assertEquals(expected.type(), actual.type());
        assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray(), 1e-10);
    }

    private static void assertMessage(Class<? extends RuntimeException> type, String message, Runnable code) {
        var error = assertThrows(type, code::run);
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    // Derivatives

    @Test
    void valueAndGradientAtOnce() {
        var both = Functions.valueAndGradient(x -> x.pow(3).sum(), vector(1, 2));
        assertEquals(9, both.value().item());
        assertValues(both.gradient(), 3, 12);
        var several = Functions.valueAndGradients(in -> in.get(0).mul(in.get(1)).sum(),
            List.of(vector(1, 2), vector(3, 4)));
        assertValues(several.gradients().get(0), 3, 4);
        assertValues(several.gradients().get(1), 1, 2);
    }

    @Test
    void whatAFunctionUsesBesidesItsArgumentIsConstant() {
        Tensor x = vector(2, 3);
        assertValues(Functions.gradient(y -> y.mul(x).sum()).apply(x), 2, 3);
        assertValues(Functions.jvp(y -> y.mul(x), x, vector(1, 1)).tangent(), 2, 3);
        assertValues(Functions.jacobian(y -> y.mul(x), x), 2, 0, 0, 3);
    }

    @Test
    void theGradientOfAGradientFlowsToWhatItWasMadeOf() {
        Tensor w = vector(2, 3);
        Tensor slope = Functions.gradient(y -> y.pow(2).mul(w).sum()).apply(vector(5, 7));
        assertValues(slope.sum().gradient(w), 10, 14);
    }

    @Test
    void jacobiansByTheirDefinition() {
        // f(a, b) = (a b, a^2, b)
        Step.Function1 f = x -> {
            Tensor a = x.slice(0, 0, 1);
            Tensor b = x.slice(0, 1, 2);
            return Tensor.concat(0, List.of(a.mul(b), a.square(), b));
        };
        Tensor x = vector(2, 5);
        assertValues(Functions.jacobian(f, x), 5, 2, 4, 0, 0, 1);
        assertValues(Functions.forwardJacobian(f, x), 5, 2, 4, 0, 0, 1);
        assertEquals(Shape.of(3, 2), Functions.jacobian(f, x).shape());
        assertValues(Functions.jvp(f, x, vector(1, 10)).tangent(), 25, 4, 10);
        assertValues(Functions.vjp(f, x, vector(1, 10, 100)), 45, 102);
    }

    @Test
    void jacobiansOfTensorsOfAnyRankAgreeInBothDirections() {
        Tensor w = random(3, 4);
        Step.Function1 f = x -> x.matmul(w).tanh().softmax(-1);
        Tensor x = random(2, 3);
        Tensor reverse = Functions.jacobian(f, x);
        assertEquals(Shape.of(2, 4, 2, 3), reverse.shape());
        assertSame(reverse, Functions.forwardJacobian(f, x));
        Tensor column = Functions.jvp(f, x, device.tensor(new double[] {0, 0, 0, 0, 1, 0}, 2, 3)).tangent();
        assertSame(column, reverse.slice(2, 1, 2).slice(3, 1, 2).reshape(2, 4));
    }

    @Test
    void aFunctionThatDoesNotDependOnItsArgumentHasZeroDerivatives() {
        Tensor c = vector(1, 2);
        assertValues(Functions.jacobian(x -> c, vector(3)), 0, 0);
        assertValues(Functions.forwardJacobian(x -> c, vector(3)), 0, 0);
        assertValues(Functions.jvp(x -> c, vector(3), vector(1)).tangent(), 0, 0);
    }

    @Test
    void hessiansByTheirDefinition() {
        // a^2 b + b^3: (2b, 2a; 2a, 6b)
        Step.Function1 f = x -> x.slice(0, 0, 1).square().mul(x.slice(0, 1, 2)).add(x.slice(0, 1, 2).pow(3)).sum();
        assertValues(Functions.hessian(f, vector(2, 5)), 10, 4, 4, 30);
        assertValues(Functions.hvp(f, vector(2, 5), vector(1, 10)), 50, 304);
    }

    @Test
    void aHessianVectorProductIsTheGradientAlongTheVector() {
        Step.Function1 f = x -> x.tanh().square().logSoftmax(-1).slice(0, 1, 2).sum();
        Tensor x = random(5);
        Tensor v = random(5);
        Tensor expected = Functions.hessian(f, x).matmul(v);
        assertSame(expected, Functions.hvp(f, x, v));
        assertSame(expected, Functions.jvp(Functions.gradient(f), x, v).tangent());
        Tensor h = Functions.hessian(f, x);
        assertSame(h, h.transpose());
    }

    @Test
    void theJvpIsWhatDifferencesSay() {
        Tensor v = random(3, 4);
        Step.Function1 f = x -> x.sin().matmul(x.transpose()).exp().logSoftmax(0);
        GradientCheck.of(x -> Functions.jvp(f, x[0], v).tangent()).order(2).assertGradients(random(3, 4).mul(0.3));
        GradientCheck.of(x -> f.apply(x[0])).forward().order(2).assertGradients(random(3, 4).mul(0.3));
        GradientCheck.of(x -> x[0].matmul(x[1]).dropout(0.5).tanh().sum(0)).forward()
            .assertGradients(random(3, 4), random(4, 2));
    }

    @Test
    void aWrongForwardDerivativeIsFound() {
        Step.Function1 wrong = Functions.withGradient(x -> x.mul(x), (x, _, dy) -> dy.mul(x));
        var report = GradientCheck.of(x -> wrong.apply(x[0])).forward().check(vector(1, 2));
        assertEquals(GradientReport.Verdict.WRONG, report.verdict(), report.toString());
    }

    @Test
    void jacobiansOfWhatDrawsRandomNumbersAreOfOneDraw() {
        device.random().seed(3);
        Tensor jacobian = Functions.jacobian(x -> x.dropout(0.5), device.ones(DType.F64, 8));
        device.random().seed(3);
        assertValues(jacobian.sum(0), device.ones(DType.F64, 8).dropout(0.5).toDoubleArray());
    }

    @Test
    void derivativesInATracedFunction() {
        Step.Function1 f = x -> x.pow(3).sum();
        Step step = Step.compileAll(device, in -> List.of(Functions.gradient(f).apply(in.get(0)),
            Functions.hessian(f, in.get(0)), Functions.jvp(f, in.get(0), in.get(1)).tangent(),
            Functions.vmap(Functions.gradient(y -> y.pow(2))).apply(in.get(1))));
        List<Tensor> results = step.runAll(List.of(vector(1, 2), vector(10, 20)));
        assertValues(results.get(0), 3, 12);
        assertValues(results.get(1), 6, 0, 0, 12);
        assertValues(results.get(2), 270);
        assertValues(results.get(3), 20, 40);
        step.runAll(List.of(vector(1, 3), vector(10, 20)));
        assertEquals(1, step.traces());
    }

    @Test
    void repeatedCallsPlanOnce() {
        Tensor x = vector(1, 2);
        Functions.hvp(y -> y.pow(3).sum(), x, x).toDoubleArray();
        Functions.withGradient(y -> y.mul(2), (_, _, dy) -> dy).apply(x).toDoubleArray();
        long plans = device.plansMade();
        Functions.hvp(y -> y.pow(3).sum(), x, x).toDoubleArray();
        Functions.withGradient(y -> y.mul(2), (_, _, dy) -> dy).apply(x).toDoubleArray();
        assertEquals(plans, device.plansMade());
    }

    /** The lines of the README. */
    @Test
    void theyReadAsTheReadmeSays() {
        Step.Function1 loss = w -> w.square().mul(w).sum();
        Tensor w = vector(1, 2);
        Tensor ws = Tensor.stack(List.of(w, w.add(1)));
        Linear layer = Linear.of(2, 2).initialize(device, 1);
        var slope = Functions.gradient(loss).apply(w);
        var curvature = Functions.hvp(loss, w, vector(1, 1));
        var perExample = Functions.vmap(Functions.gradient(loss)).apply(ws);
        var block = Functions.checkpoint(layer::forward);
        var rounded = Functions.withGradient(Tensor::round, (x, y, dy) -> dy);
        assertValues(slope, 3, 12);
        assertValues(curvature, 6, 12);
        assertValues(perExample, 3, 12, 12, 27);
        assertValues(rounded.apply(vector(1.4)), 1);
        Tensor x = device.tensor(new float[] {1, 2}, 1, 2);
        assertArrayEquals(layer.forward(x).toFloatArray(), block.apply(x).toFloatArray());
    }

    // Gradients of one's own

    @Test
    void aGradientOfItsOwnReplacesTheTrueOne() {
        // Rounds forward, passes the gradient through: the straight-through estimator.
        Step.Function1 round = Functions.withGradient(Tensor::round, (_, _, dy) -> dy);
        Tensor x = vector(0.4, 1.7);
        Tensor y = round.apply(x);
        assertValues(y, 0, 2);
        assertValues(y.mul(vector(3, 5)).sum().gradient(x), 3, 5);
    }

    @Test
    void aGradientSeesInputsOutputsAndCotangents() {
        Tensor a = vector(2, 3);
        Tensor b = vector(5, 7);
        List<Tensor> both = Functions.withGradient("both", in -> List.of(in.get(0).mul(in.get(1)), in.get(0).exp()),
            (in, out, dy) -> {
                assertEquals(2, dy.size());
                return List.of(dy.get(0).mul(in.get(1)).add(dy.get(1).mul(out.get(1))), dy.get(0).mul(in.get(0)));
            }).apply(List.of(a, b));
        assertValues(both.get(0), 10, 21);
        assertValues(both.get(0).sum().gradient(a), 5, 7);
        assertValues(both.get(0).add(both.get(1)).sum().gradient(b), 2, 3);
        assertValues(both.get(1).sum().gradient(a), Math.exp(2), Math.exp(3));
    }

    @Test
    void nestedGradientsOfTheirOwn() {
        Step.Function1 square = Functions.withGradient(x -> x.mul(x), (x, _, dy) -> dy.mul(x).mul(2));
        Step.Function1 fourth = Functions.withGradient(x -> square.apply(square.apply(x)),
            (x, _, dy) -> dy.mul(square.apply(x)).mul(x).mul(4));
        GradientCheck.of(x -> fourth.apply(x[0]).mul(square.apply(x[0]))).order(2).assertGradients(random(5));
        assertValues(Functions.hessian(x -> fourth.apply(x).sum(), vector(2)), 48);
    }

    @Test
    void aGradientMayLeaveInputsOut() {
        Tensor x = vector(1, 2);
        Tensor y = Functions.withGradient("left", in -> List.of(in.getFirst().mul(2)),
            (_, _, _) -> java.util.Collections.singletonList(null)).apply(List.of(x)).getFirst();
        assertValues(y.sum().gradient(x), 0, 0);
    }

    @Test
    void aGradientOfItsOwnCostsNoStep() {
        Step.Function1 same = Functions.withGradient(Tensor::exp, (_, y, dy) -> dy.mul(y));
        Step with = Step.compile(device, x -> same.apply(x).sum().gradient(x)).prepare(vector(1));
        Step without = Step.compile(device, x -> x.exp().sum().gradient(x)).prepare(vector(1));
        assertEquals(without.explain(), with.explain());
    }

    @Test
    void aWrongGradientIsNamed() {
        Tensor x = vector(1, 2);
        assertMessage(IllegalStateException.class, "twice: the gradient of input 0 must be f64(2) but the gradient "
            + "function returned f64()", () -> Functions.withGradient("twice", in -> List.of(in.getFirst().mul(2)),
                (_, _, dy) -> List.of(dy.getFirst().sum())).apply(List.of(x)).getFirst().sum().gradient(x));
        assertMessage(IllegalArgumentException.class, "gradients: the loss must be a floating scalar but is f64(2)",
            () -> Functions.gradient(y -> y.mul(2)).apply(x));
        assertMessage(IllegalStateException.class, "gradient: the function returned no tensor but null",
            () -> Functions.gradient(y -> null).apply(x));
    }
}
