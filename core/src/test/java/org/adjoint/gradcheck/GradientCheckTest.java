package org.adjoint.gradcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.gradcheck.GradientReport.Verdict;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GradientCheckTest {
    private final Device device = Device.open("reference");

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor random(long... shape) {
        long count = 1;
        for (long extent : shape) {
            count *= extent;
        }
        return device.tensor(new Random(3).doubles(count, -1, 1).toArray(), shape);
    }

    /** y = 2 x whose gradient claims to be 1: the second half is hidden from differentiation. */
    private static Tensor wrong(Tensor x) {
        return x.add(x.stopGradient());
    }

    @Test
    void rightGradientsPass() {
        GradientCheck.assertGradients(x -> x[0].tanh(), random(13));
        GradientCheck.of(x -> x[0].matmul(x[1]).softmax(-1).log()).order(2).assertGradients(random(3, 4), random(4, 5));
        GradientCheck.of(x -> x[0].exp().sum()).order(2).assertGradients(random());
    }

    @Test
    void aWrongGradientIsFoundAndNamed() {
        // Element 2 alone is wrong.
        GradientReport report = GradientCheck
            .of(x -> Tensor.concat(0, List.of(x[1].slice(0, 0, 2), wrong(x[1].slice(0, 2, 3)))))
            .named("broken").allowZero().check(random(2), device.tensor(new double[] {1, 2, 3}));
        assertEquals(Verdict.WRONG, report.verdict());
        assertEquals(1, report.input());
        assertEquals(List.of(2L), report.index());
        assertEquals(2, report.numeric() / report.analytic(), 1e-8);
        assertEquals(0.5, report.relativeError(), 1e-8);
        assertTrue(report.toString().startsWith("broken: gradient FAILED"), report.toString());
        AssertionError error = assertThrows(AssertionError.class,
            () -> GradientCheck.assertGradients(x -> wrong(x[0]), random(3)));
        assertTrue(error.getMessage().contains("input 0 at ["), error.getMessage());
    }

    @Test
    void alongRandomDirectionsTheWrongElementIsFoundToo() {
        GradientReport passed = GradientCheck.check(x -> x[0].sin(), random(20, 30));
        assertTrue(passed.passed(), passed.toString());
        assertEquals(16, passed.checked());
        GradientReport report = GradientCheck.check(x -> {
            Tensor flat = x[0].reshape(600);
            return Tensor.concat(0, List.of(flat.slice(0, 0, 123).sin(), wrong(flat.slice(0, 123, 124)),
                flat.slice(0, 124, 600).sin()));
        }, random(20, 30));
        assertEquals(Verdict.WRONG, report.verdict());
        assertEquals(List.of(4L, 3L), report.index());
        assertEquals(2, report.numeric() / report.analytic(), 1e-6);
    }

    @Test
    void aWrongSecondDerivativeIsFound() {
        // Values and first derivative are those of x^3, but the x of 3 x^2 is hidden from the second.
        TensorFunction cube = x -> x[0].mul(x[0].mul(x[0]).stopGradient()).mul(3)
            .sub(x[0].pow(3).stopGradient().mul(2));
        Tensor at = device.tensor(new double[] {0.7, 1.3});
        assertTrue(GradientCheck.check(cube, at).passed());
        GradientReport report = GradientCheck.of(cube).order(2).check(at);
        assertEquals(Verdict.WRONG, report.verdict());
        assertEquals(2, report.order());
    }

    @Test
    void whatShowsNothingIsRefused() {
        Tensor between = device.tensor(new double[] {0.3, 1.4});
        assertEquals(Verdict.ALL_ZERO, GradientCheck.check(x -> x[0].floor(), between).verdict());
        assertEquals(Verdict.ALL_ZERO, GradientCheck.check(x -> x[0].stopGradient(), between).verdict());
        assertTrue(GradientCheck.of(x -> x[0].floor()).allowZero().check(between).passed());
        assertEquals(Verdict.WRONG, GradientCheck.of(x -> x[0].stopGradient()).allowZero().check(between).verdict());
    }

    @Test
    void whatIsNotFiniteIsRefused() {
        Tensor negative = device.tensor(new double[] {1, -1});
        assertEquals(Verdict.NOT_FINITE, GradientCheck.check(x -> x[0].log(), negative).verdict());
        Tensor zero = device.tensor(new double[] {0});
        assertEquals(Verdict.NOT_FINITE, GradientCheck.check(x -> x[0].sqrt(), zero).verdict());
    }

    @Test
    void somethingMustBeFloating() {
        assertThrows(IllegalArgumentException.class,
            () -> GradientCheck.check(x -> x[0], device.tensor(new int[] {1, 2})));
    }

    @Test
    void aKinkIsCalledAKink() {
        GradientReport report = GradientCheck.check(x -> x[0].relu(), device.tensor(new double[] {1, 0, -1}));
        assertEquals(Verdict.KINK, report.verdict());
        assertEquals(List.of(1L), report.index());
    }

    @Test
    void roundingToASmallerDtypeIsCalledImprecise() {
        GradientReport report = GradientCheck.check(x -> x[0].to(DType.F32).sin(), random(3));
        assertEquals(Verdict.IMPRECISE, report.verdict(), report.toString());
    }

    @Test
    void randomNumbersAreTheSameAtEachEvaluation() {
        device.random().seed(5);
        GradientCheck.assertGradients(x -> x[0].dropout(0.5), random(40));
        GradientCheck.assertGradients(x -> x[0].mul(device.random().normal(DType.F64, 13)), random(13));
    }

    @Test
    void integerArgumentsAreLeftAlone() {
        GradientCheck.assertGradients(x -> x[0].gather(0, x[1]), random(5), device.tensor(new long[] {4, 0, 1, 2, 3}));
    }

    @Test
    void leavesNoMemoryBehind() {
        Tensor x = random(13);
        GradientCheck.assertGradients(a -> a[0].exp(), x);
        long live = device.liveBytes();
        GradientCheck.assertGradients(a -> a[0].exp(), x);
        assertEquals(live, device.liveBytes());
    }
}
